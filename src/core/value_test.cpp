#include <lovage/value.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <new>

namespace {

int allocations_left = -1;  // negative: as many as you like

}  // namespace

void* operator new(std::size_t size) {
  if (allocations_left == 0) throw std::bad_alloc{};
  if (allocations_left > 0) --allocations_left;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace lovage {
namespace {

/// While it lives, memory is had only so many times.
struct allowance {
  explicit allowance(int allocations) { allocations_left = allocations; }
  ~allowance() { allocations_left = -1; }
};

// Longer than what std::string keeps without allocating: the sanitizers then see what is freed twice or never.
std::string const long_text(100, 'x');

struct example {
  value held;
  char const* kind;
};

std::vector<example> one_of_each() {
  return {{nullptr, "null"},
          {true, "bool"},
          {-5, "int"},
          {std::numeric_limits<std::uint64_t>::max(), "int"},
          {1.5, "float"},
          {long_text, "str"},
          {bytes{long_text}, "bytes"},
          {value::list{1, long_text, value::list{long_text}}, "list"},
          {value::map{{long_text, 1}, {"b", value::map{{"c", long_text}}}}, "map"},
          {big_integer{"1" + std::string(50, '0')}, "int"},
          {decimal{"0." + std::string(50, '1')}, "decimal"},
          {uuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, "uuid"},
          {datetime{1'700'000'000'000'000, 3600}, "datetime"},
          {date{19'000}, "date"},
          {time_of_day{86'399'000'000}, "time"}};
}

template <class T>
void holds(value v, T const& expected) {
  ASSERT_TRUE(v.is<T>());
  EXPECT_EQ(*v.get_if<T>(), expected);
  EXPECT_EQ(*std::as_const(v).get_if<T>(), expected);
  EXPECT_EQ(v.get_if<T>() == static_cast<void const*>(v.get_if<std::monostate>()), (std::is_same_v<T, std::monostate>));
}

TEST(Value, KeepsTheTypeThatItWasMadeFrom) {
  holds(value{}, std::monostate{});
  holds(nullptr, std::monostate{});
  holds(true, true);
  holds(short{-3}, std::int64_t{-3});
  holds(7u, std::int64_t{7});
  holds(std::uint64_t{INT64_MAX}, std::int64_t{INT64_MAX});
  holds(std::uint64_t{INT64_MAX} + 1, std::uint64_t{INT64_MAX} + 1);
  holds(2.5f, 2.5);
  holds("a", std::string{"a"});
  holds(std::string_view{"b"}, std::string{"b"});
  holds(bytes{"c"}, bytes{"c"});
  holds(value::list{1, "d"}, value::list{1, "d"});
  holds(value::map{{"e", 1}}, value::map{{"e", 1}});
  holds(big_integer{"5"}, big_integer{"5"});
  holds(decimal{"6"}, decimal{"6"});
  holds(uuid{{1}}, uuid{{1}});
  holds(datetime{1, 2}, datetime{1, 2});
  holds(date{3}, date{3});
  holds(time_of_day{4}, time_of_day{4});
}

TEST(Value, IsOneAlternativeAndNoOther) {
  for (auto const& [held, kind] : one_of_each()) {
    auto const alternatives = held.is<std::monostate>() + held.is<bool>() + held.is<std::int64_t>() +
                              held.is<std::uint64_t>() + held.is<double>() + held.is<std::string>() + held.is<bytes>() +
                              held.is<value::list>() + held.is<value::map>() + held.is<big_integer>() +
                              held.is<decimal>() + held.is<uuid>() + held.is<datetime>() + held.is<date>() +
                              held.is<time_of_day>();
    EXPECT_EQ(alternatives, 1) << kind;
    EXPECT_STREQ(held.kind(), kind);
  }
}

TEST(Value, VisitCallsWithWhatIsHeld) {
  for (auto const& [held, kind] : one_of_each()) {
    bool const same = held.visit([&]<class T>(T const& inside) {
      auto const* expected = held.get_if<T>();
      return expected && *expected == inside;
    });
    EXPECT_TRUE(same) << kind;
  }
}

TEST(Value, EqualsItsLikeAndNothingElse) {
  auto const left = one_of_each();
  auto const right = one_of_each();
  for (std::size_t i = 0; i < left.size(); ++i)
    for (std::size_t j = 0; j < right.size(); ++j)
      EXPECT_EQ(left[i].held == right[j].held, i == j) << left[i].kind << ' ' << right[j].kind;
  EXPECT_NE(value{1}, value{1.0});
  EXPECT_NE(value{true}, value{1});
  EXPECT_NE(value{"1"}, value{bytes{"1"}});
  EXPECT_NE(value{std::numeric_limits<double>::quiet_NaN()}, value{std::numeric_limits<double>::quiet_NaN()});
  EXPECT_NE((value{value::list{1, 2}}), (value{value::list{1, 3}}));
  EXPECT_NE((value{value::map{{"a", 1}}}), (value{value::map{{"b", 1}}}));
}

TEST(Value, CopiesAndMovesOfEveryKindAreEqual) {
  for (auto const& [held, kind] : one_of_each()) {
    value copy = held;
    EXPECT_EQ(copy, held) << kind;
    value const moved = std::move(copy);
    EXPECT_EQ(moved, held) << kind;
  }
}

TEST(Value, EveryKindCanReplaceEveryOther) {
  auto const all = one_of_each();
  for (auto const& old : all) {
    for (auto const& fresh : all) {
      value copied = old.held;
      copied = fresh.held;
      EXPECT_EQ(copied, fresh.held) << old.kind << " by " << fresh.kind;
      value moved = old.held;
      value source = fresh.held;
      moved = std::move(source);
      EXPECT_EQ(moved, fresh.held) << old.kind << " by " << fresh.kind;
      source = old.held;  // what was moved from can be used again
      EXPECT_EQ(source, old.held);
    }
  }
}

TEST(Value, SurvivesAssignmentToItself) {
  for (auto const& [held, kind] : one_of_each()) {
    value v = held;
    auto& same = v;
    v = same;
    EXPECT_EQ(v, held) << kind;
    v = std::move(same);
    EXPECT_EQ(v, held) << kind;
  }
}

TEST(Value, CanBecomeAPartOfItself) {
  value v = value::list{1, value::map{{"inner", long_text}}};
  v = (*v.get_if<value::list>())[1];
  EXPECT_EQ(v, (value{value::map{{"inner", long_text}}}));
  v = std::move(*v.find("inner"));
  EXPECT_EQ(v, value{long_text});
  v = *v.get_if<std::string>();
  EXPECT_EQ(v, value{long_text});
}

TEST(Value, CanBePutIntoItself) {
  value v = value::list{long_text};
  v.get_if<value::list>()->push_back(v);
  EXPECT_EQ(v, (value{value::list{long_text, value::list{long_text}}}));
}

TEST(Value, MovesDoNotThrowAndTakeNoMoreRoomThanAStringAndATag) {
  static_assert(std::is_nothrow_default_constructible_v<value>);
  static_assert(std::is_nothrow_move_constructible_v<value>);
  static_assert(std::is_nothrow_move_assignable_v<value>);
  static_assert(std::is_nothrow_destructible_v<value>);
  static_assert(std::is_copy_constructible_v<value> && std::is_copy_assignable_v<value>);
  EXPECT_EQ(sizeof(value), sizeof(std::string) + alignof(std::string));
}

TEST(Value, MovingTakesTheContentAndCopiesNone) {
  value v = value::list{long_text};
  auto const* text = v.get_if<value::list>()->data();
  value const moved = std::move(v);
  EXPECT_EQ(moved.get_if<value::list>()->data(), text);
}

TEST(Value, EmplaceReplacesAnythingByAnEmptyOne) {
  for (auto const& [held, kind] : one_of_each()) {
    value v = held;
    v.emplace<value::list>().push_back(long_text);
    EXPECT_EQ(v, value{value::list{long_text}}) << kind;
    v.emplace<std::string>() += "a";
    EXPECT_EQ(v, value{"a"});
    EXPECT_EQ(v.emplace<std::int64_t>(), 0);
    EXPECT_EQ(v, value{0});
  }
}

TEST(Value, KeepsItsContentWhenThereIsNoMemoryForACopy) {
  value const fresh = value::list{1, long_text, value::map{{long_text, bytes{long_text}}}};
  int failures = 0;
  for (auto const& [held, kind] : one_of_each()) {
    for (int allocations = 0;; ++allocations) {
      value v = held;
      try {
        allowance const limited{allocations};
        v = fresh;
      } catch (std::bad_alloc const&) {
        ++failures;
        EXPECT_EQ(v, held) << kind << ", " << allocations;
        continue;
      }
      EXPECT_EQ(v, fresh) << kind;
      break;
    }
  }
  EXPECT_GT(failures, 15 * 4);
}

TEST(Value, CannotBeMadeFromWhatItDoesNotHold) {
  static_assert(!std::is_constructible_v<value, std::vector<int>>);
  static_assert(!std::is_constructible_v<value, std::byte>);
  static_assert(std::is_convertible_v<char const*, value> && std::is_convertible_v<value::map, value>);
}

}  // namespace
}  // namespace lovage
