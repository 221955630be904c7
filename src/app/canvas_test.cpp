// Workflows as data: the forms that Celery gives them, captured from it.
#include "wire/serializer.hpp"

#include <lovage/app.hpp>
#include <lovage/json.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace lovage::canvas_forms {
namespace {

using namespace std::chrono_literals;

constexpr task<int(int, int)> add{"wire.add", {"x", "y"}};
constexpr task<int(int, int)> mul{"wire.mul", {"x", "y"}};
constexpr task<int(std::vector<int>)> tsum{"wire.tsum", {"xs"}};
constexpr task<void()> errback{"wire.errback"};
constexpr task<std::string(int)> show{"wire.show", {"x"}};
constexpr task<int(std::tuple<int, std::string>)> both{"wire.both", {"pair"}};

value captured(std::string const& name) {
  std::ifstream in{std::string{LOVAGE_SOURCE_DIR} + "/tests/golden/signatures.json"};
  auto const all = from_json(std::string{std::istreambuf_iterator<char>{in}, {}});
  auto const* found = all.find("signatures")->find(name);
  return found ? *found : value{};
}

template <class Flow>
std::string text_of(Flow flow) {
  return to_json(detail::step_value(std::move(flow)));
}

#define EXPECT_FORM(name, flow) EXPECT_EQ(text_of(flow), to_json(captured(name)))

TEST(CanvasForms, OfOneCallAreCelerys) {
  EXPECT_FORM("simple", add.s(1, 2));
  EXPECT_FORM("immutable", add.si(1, 2));
  EXPECT_FORM("by_name", named("proj.remote", {1}, {{"b", 2}}).queue("x").immutable());
}

TEST(CanvasForms, CarryOptionsAndLinks) {
  auto options = call_options{}.queue("q").countdown(3s).priority(1).serializer("yaml");
  auto const flow =
      chain(named("wire.echo", {1}, {{"a", 2}}).options(options)).link(named<value(value)>("wire.mul", {2}));
  auto const got = flow.to_value();
  auto const want = captured("kwargs_options");
  for (auto const* key : {"countdown", "queue", "priority", "serializer", "link"}) {
    ASSERT_NE(got.find("options")->find(key), nullptr) << key;
    if (std::string_view{key} == "countdown") {
      EXPECT_EQ(*got.find("options")->find(key), value{3.0});
    } else {
      EXPECT_EQ(*got.find("options")->find(key), *want.find("options")->find(key)) << key;
    }
  }
}

TEST(CanvasForms, OfChainsAreCelerys) {
  EXPECT_FORM("chain", add.s(1, 2) | mul.s(3));
  EXPECT_FORM("chain_pipe", add.s(1, 2) | mul.s(3) | mul.s(4));
  EXPECT_FORM("chain_pipe_chain", (add.s(1, 2) | mul.s(3)) | (mul.s(4) | mul.s(5)));
  EXPECT_FORM("chain_pipe", chain(add.s(1, 2), mul.s(3), mul.s(4)));
}

TEST(CanvasForms, OfGroupsAndChordsAreCelerys) {
  EXPECT_FORM("group", group(add.s(1, 2), add.s(3, 4)));
  EXPECT_FORM("chord", chord(group(add.s(1, 2), add.s(3, 4)), tsum.s()));
  EXPECT_FORM("chord", chord(std::vector{add.s(1, 2), add.s(3, 4)}, tsum.s()));
  EXPECT_FORM("group_pipe_task", group(add.s(1, 2), add.s(3, 4)) | tsum.s());
  EXPECT_FORM("chord_pipe_task", group(add.s(1, 2), add.s(3, 4)) | tsum.s() | mul.s(2));
  EXPECT_FORM("task_pipe_group", add.s(1, 2) | group(add.s(1), add.s(2)));
  EXPECT_FORM("task_pipe_group_pipe_task", add.s(1, 2) | group(add.s(1), add.s(2)) | tsum.s());
}

TEST(CanvasForms, OfMapsAreCelerys) {
  using pairs = std::vector<std::tuple<int, int>>;
  EXPECT_FORM("map", map(tsum, std::vector<std::vector<int>>{{1, 2}, {3}}));
  EXPECT_FORM("starmap", starmap(add, pairs{{1, 2}, {3, 4}}));
  EXPECT_FORM("chunks", chunks(add, pairs{{1, 2}, {3, 4}, {5, 6}}, 2));
}

TEST(CanvasForms, AreReadBack) {
  for (auto const* name : {"simple", "chain_pipe", "group", "chord_pipe_task", "task_pipe_group_pipe_task", "chunks"})
    EXPECT_EQ(to_json(canvas<value()>{captured(name)}.to_value()), to_json(captured(name))) << name;
}

TEST(CanvasForms, ThatAreNoSignaturesAreRefused) {
  auto broken = captured("chain");
  *broken.find("kwargs") = value::map{{"tasks", value::list{}}};
  EXPECT_THROW(canvas<int()>{broken}, error);
  *broken.find("kwargs") = value::map{{"tasks", value::list{7}}};
  EXPECT_THROW(canvas<int()>{broken}, error);
  EXPECT_THROW(canvas<int()>{value{"add"}}, error);
  EXPECT_THROW((void)chunks(add, std::vector<std::tuple<int, int>>{}, 0), error);
  EXPECT_THROW((void)(add.s(1, 2).priority(10) | mul.s(2)), error);
}

bool is_immutable(value const& signature) { return *signature.find("immutable")->get_if<bool>(); }

TEST(CanvasSteps, ThatMissNothingTakeNothing) {
  auto const flow = (add.s(1, 2) | mul.s(3, 4)).to_value();
  auto const& steps = *flow.find("kwargs")->find("tasks")->get_if<value::list>();
  EXPECT_FALSE(is_immutable(steps[0]));
  EXPECT_TRUE(is_immutable(steps[1]));
}

TEST(CanvasSteps, ThatMissNothingTakeNothingInside) {
  auto const flow = (add.s(1, 2) | (mul.s(3, 4) | mul.s(5)) | group(add.s(1, 1), add.s(2, 2))).to_value();
  auto const& steps = *flow.find("kwargs")->find("tasks")->get_if<value::list>();
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_TRUE(is_immutable(steps[1]));
  EXPECT_FALSE(is_immutable(steps[2]));
  auto const& members = *steps[3].find("kwargs")->find("tasks")->get_if<value::list>();
  EXPECT_TRUE(is_immutable(members[0]));
  EXPECT_TRUE(is_immutable(members[1]));
}

TEST(CanvasSteps, MissWhatTheFirstMisses) {
  auto const flow = (add.s() | show.s()).with(2, 3);
  static_assert(std::same_as<decltype(flow), canvas<std::string()> const>);
  EXPECT_EQ(*flow.to_value().find("args"), (value{value::list{2, 3}}));
}

TEST(CanvasTypes, FollowTheSteps) {
  auto const mixed = group(add.s(1, 2), show.s(3), errback.s());
  static_assert(std::same_as<decltype(mixed), canvas<group_of<int, std::string, std::monostate>()> const>);
  static_assert(std::same_as<detail::element_t<group_of<int, int>>, std::vector<int>>);
  static_assert(std::same_as<detail::element_t<group_of<int, std::string>>, std::tuple<int, std::string>>);
  auto const paired = group(add.s(1, 2), show.s(3)) | both.s();
  static_assert(std::same_as<decltype(paired), canvas<int()> const>);
  auto const nested = group(group(add.s(1, 2), add.s(3, 4)), add.s(5, 6)) | tsum.s();
  static_assert(std::same_as<decltype(nested), canvas<int()> const>);
  auto const spread = add.s(1, 2) | group(add.s(1), show.s(), errback.s());
  static_assert(std::same_as<decltype(spread), canvas<chained<group_of<int, std::string, std::monostate>>()> const>);
  auto const inside = group(add.s(1, 2), add.s(1, 2) | group(add.s(1), show.s()));
  using pair = std::tuple<int, std::string>;
  static_assert(std::same_as<detail::element_t<decltype(inside)::result_type>, std::tuple<int, pair>>);
  auto const mixed_many = group(group(std::vector{add.s(1, 2)}), show.s(3));
  static_assert(std::same_as<decltype(mixed_many), canvas<group_of_many<value>()> const>);
  auto const many = chunks(add, std::vector<std::tuple<int, int>>{{1, 2}}, 1);
  static_assert(std::same_as<decltype(many), canvas<group_of_many<std::vector<int>>()> const>);
}

value::list stamps_at(value const& signature, char const* name) {
  auto const* found = signature.find("options")->find(name);
  return found ? *found->get_if<value::list>() : value::list{};
}

TEST(CanvasStamps, AreOnEveryCallOnce) {
  auto const flow = (add.s(1, 2) | group(add.s(1), mul.s(2)) | tsum.s()).link(errback.s()).stamp({{"order", {"7"}}});
  auto const again = canvas<int()>{flow}.stamp({{"order", {"7", "8"}}}).to_value();
  auto const& steps = *again.find("kwargs")->find("tasks")->get_if<value::list>();
  auto const& header = *steps[1].find("kwargs")->find("header")->get_if<value::list>();
  auto const& link = again.find("options")->find("link")->get_if<value::list>()->front();
  for (auto const* call : {&steps[0], &header[0], &header[1], steps[1].find("kwargs")->find("body"), &link}) {
    EXPECT_EQ(stamps_at(*call, "order"), (value::list{"7", "8"}));
    EXPECT_EQ(stamps_at(*call, "stamped_headers"), (value::list{"order"}));
  }
}

TEST(CanvasStamps, AreWhatAVisitorSaysOfEachPart) {
  struct marks : stamping_visitor {
    stamp_values on_signature(value const& s) override { return {{"name", {*s.find("task")->get_if<std::string>()}}}; }
    stamp_values on_chord_header_start(value const&) override { return {{"part", {"header"}}}; }
    stamp_values on_chord_body(value const&) override { return {{"part", {"body"}}}; }
    stamp_values on_errback(value const&) override { return {{"part", {"errback"}}}; }
  } visitor;
  auto flow = group(add.s(1, 2), mul.s(3, 4)) | tsum.s();
  auto const stamped = flow.link_error(errback.s()).stamp(visitor).to_value();
  auto const& kwargs = *stamped.find("kwargs");
  auto const& first = kwargs.find("header")->get_if<value::list>()->front();
  EXPECT_EQ(stamps_at(first, "name"), (value::list{"wire.add"}));
  EXPECT_EQ(stamps_at(first, "part"), (value::list{"header"}));
  EXPECT_EQ(stamps_at(*kwargs.find("body"), "part"), (value::list{"body"}));
  auto const& errback_call = stamped.find("options")->find("link_error")->get_if<value::list>()->front();
  EXPECT_EQ(stamps_at(errback_call, "part"), (value::list{"errback"}));
}

TEST(CanvasLinks, AreListed) {
  auto const flow = (add.s(1, 2) | mul.s(3)).link(show.s()).link(errback.s()).link_error(errback.s());
  auto const& options = *flow.to_value().find("options");
  ASSERT_EQ(options.find("link")->get_if<value::list>()->size(), 2U);
  EXPECT_FALSE(is_immutable(options.find("link")->get_if<value::list>()->front()));
  EXPECT_TRUE(is_immutable(options.find("link")->get_if<value::list>()->back()));
  EXPECT_EQ(options.find("link_error")->get_if<value::list>()->size(), 1U);
}

}  // namespace
}  // namespace lovage::canvas_forms
