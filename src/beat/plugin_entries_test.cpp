#include "app/registry.hpp"
#include "beat/entry_fields.hpp"

#include <gmock/gmock.h>

#include <cstddef>

namespace lovage::beats {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr task<int(int, int)> sum{"shop.sum", {"x", "y"}};

TEST(PluginEntries, say_what_is_sent_and_when_as_they_were_given) {
  task_registry tasks;
  auto const with = periodic_options{}
                        .catch_up(catch_up::all)
                        .overlap(overlap::cancel)
                        .grace(90s)
                        .spread(10min)
                        .jitter(1.5s)
                        .start(time_point{1'764'547'200s})
                        .end(time_point{1'764'633'600s})
                        .one_off();
  tasks.extend([&](library& lib) {
    lib.periodic("nightly", "0 4 * * mon-fri Europe/Berlin", sum.s(1, 2).queue("slow").expires(60s), with);
    lib.periodic("poll", 500ms, sum.s(3, 4));
  });
  auto const& came = tasks.internals().periodic();
  ASSERT_EQ(came.size(), 2U);
  EXPECT_EQ(came[0].source, "this program");
  auto const nightly = entry_of_members(came[0].name, came[0].spec).value();
  EXPECT_EQ(nightly.when, schedule{crontab{"0 4 * * mon-fri Europe/Berlin"}});
  EXPECT_EQ(nightly.with, with);
  EXPECT_EQ(nightly.call, call_text("shop.sum", {1, 2}, {}, {{"queue", "slow"}, {"expires", 60.0}}).value());
  auto const poll = entry_of_members(came[1].name, came[1].spec).value();
  EXPECT_EQ(poll.when, schedule{every{500ms}});
  EXPECT_EQ(poll.with, periodic_options{});
}

TEST(PluginEntries, cannot_have_one_name) {
  task_registry tasks;
  auto const add = [](library& lib) { lib.periodic("poll", 1s, sum.s(1, 2)); };
  tasks.extend(add);
  EXPECT_THROW(tasks.extend(add), error);
}

TEST(PluginEntries, are_refused_by_a_program_that_does_not_know_them) {
  std::string said;
  lovage_registry older{};
  older.size = offsetof(lovage_registry, add_periodic);
  older.self = &said;
  older.fail = [](void* self, char const* text, std::size_t size) {
    static_cast<std::string*>(self)->assign(text, size);
  };
  library{&older}.periodic("poll", 1s, sum.s(1, 2));
  EXPECT_THAT(said, HasSubstr("too old for periodic tasks"));
}

}  // namespace
}  // namespace lovage::beats
