#include "monitor/workflow_graph.hpp"

#include <gmock/gmock.h>

namespace lovage::monitor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Tasks in the order of their calls.
class WorkflowGraph : public ::testing::Test {
 protected:
  task_record& call(std::string id, std::string parent = {}, std::string group = {}, std::string chord = {}) {
    auto& t = tasks.emplace_back();
    t.id = std::move(id), t.name = "shop." + t.id.substr(0, 1), t.state = state::success;
    t.parent = std::move(parent), t.group = std::move(group), t.chord = std::move(chord);
    t.first = time_point{std::chrono::seconds{tasks.size()}};
    return t;
  }
  std::vector<std::string> edges() const {
    std::vector<std::string> out;
    for (auto const& [from, to] : graph_of(tasks).edges) out.push_back(from + ">" + to);
    return out;
  }
  graph_node node(std::string const& id) const {
    for (auto const& n : graph_of(tasks).nodes)
      if (n.id == id) return n;
    ADD_FAILURE() << id;
    return {};
  }
  std::vector<task_record> tasks;
};

TEST_F(WorkflowGraph, AChainIsALine) {
  call("a"), call("b", "a"), call("c", "b");
  EXPECT_THAT(edges(), ElementsAre("a>b", "b>c"));
  EXPECT_EQ(node("c").kind, graph_node::kind_of::task);
  EXPECT_EQ(node("c").parent, "b");
}

TEST_F(WorkflowGraph, ABodyWaitsForAllOfTheHeaderAndNotOnlyForItsParent) {
  for (auto const* id : {"h1", "h2", "h3"}) call(id, {}, "g", "z");
  call("z", "h2");
  EXPECT_THAT(edges(), UnorderedElementsAre("g>h1", "g>h2", "g>h3", "h1>z", "h2>z", "h3>z"));
  auto const group = node("g");
  EXPECT_EQ(group.kind, graph_node::kind_of::group);
  EXPECT_EQ(group.count, 3U);
  EXPECT_EQ(group.name, "shop.h");
  EXPECT_EQ(node("h1").group, "g");
}

TEST_F(WorkflowGraph, OneMemberSaysForAllWhatIsCalled) {
  call("a");
  for (auto const* id : {"h1", "h2", "h3"}) call(id, "a", "g", id == std::string_view{"h2"} ? "z" : "");
  call("z", "h3");
  EXPECT_THAT(edges(), UnorderedElementsAre("a>g", "g>h1", "g>h2", "g>h3", "h1>z", "h2>z", "h3>z"));
}

TEST_F(WorkflowGraph, ABodyThatBearsTheGroupsIdIsNoMember) {
  for (auto const* id : {"h1", "h2", "h3"}) call(id, {}, "g", "z");
  call("z", "h2", "g");
  auto const told = edges();
  EXPECT_THAT(told, UnorderedElementsAre("g>h1", "g>h2", "g>h3", "h1>z", "h2>z", "h3>z"));
  for (auto& t : tasks) t.chord.clear();
  EXPECT_EQ(edges(), told) << "Celery's events do not say what is called";
  tasks[0].state = state::started;
  EXPECT_THAT(edges(), ::testing::Contains("h2>z")) << "while a member runs nothing is the body";
  EXPECT_EQ(node("g").count, 4U);
}

TEST_F(WorkflowGraph, ABodyIsThereBeforeItIsCalledAndFailsWithItsHeader) {
  call("h1", {}, "g", "z");
  call("h2", {}, "g", "z").state = state::started;
  EXPECT_EQ(node("z").kind, graph_node::kind_of::body);
  EXPECT_EQ(node("z").state, state::pending);
  EXPECT_EQ(node("g").state, state::started) << "the state that most needs a look";
  tasks[1].state = state::failure;
  EXPECT_EQ(node("z").state, state::failure);
}

TEST_F(WorkflowGraph, AGroupStandsInTheMiddleOfAChain) {
  call("a");
  for (auto const* id : {"h1", "h2"}) call(id, "a", "g", "c");
  call("c", "h1"), call("d", "c");
  EXPECT_THAT(edges(), UnorderedElementsAre("a>g", "g>h1", "g>h2", "h1>c", "h2>c", "c>d"));
}

TEST_F(WorkflowGraph, AChordInAGroupBeginsWithItsOwnHeader) {
  call("a");
  for (auto const* id : {"i1", "i2"}) call(id, "a", "inner", "b");
  call("m", "a", "outer", "z");
  call("b", "i2", "outer", "z");
  call("z", "b");
  EXPECT_THAT(edges(), UnorderedElementsAre("a>outer", "outer>inner", "outer>m", "inner>i1", "inner>i2", "i1>b", "i2>b",
                                            "m>z", "b>z"));
}

TEST_F(WorkflowGraph, AGroupOfChainsLeadsToTheirFirstSteps) {
  call("a");
  for (auto const* n : {"1", "2"})
    call(std::string{"b"} + n, "a"), call(std::string{"c"} + n, std::string{"b"} + n, "g");
  EXPECT_THAT(edges(), UnorderedElementsAre("a>g", "g>b1", "g>b2", "b1>c1", "b2>c2"));
}

TEST_F(WorkflowGraph, AGroupMayBeTheBodyOfAChord) {
  for (auto const* id : {"h1", "h2"}) call(id, {}, "g", "after");
  for (auto const* id : {"p", "q"}) call(id, "h2", "after");
  EXPECT_THAT(edges(), UnorderedElementsAre("g>h1", "g>h2", "h1>after", "h2>after", "after>p", "after>q"));
}

TEST_F(WorkflowGraph, AGroupOfOneIsNotDrawn) {
  call("h", {}, "g", "z"), call("z", "h");
  EXPECT_THAT(edges(), ElementsAre("h>z"));
  EXPECT_EQ(graph_of(tasks).nodes.size(), 2U);
}

TEST_F(WorkflowGraph, OfAGroupOfTenThousandAFewAreDrawnAndTheOthersCounted) {
  call("a");
  for (int i = 0; i < 10'000; ++i) call("h" + std::to_string(i), "a", "g", "z");
  tasks[7'000].state = state::failure;
  tasks[9'000].state = state::started;
  auto const g = graph_of(tasks);
  EXPECT_EQ(g.nodes.size(), 1 + drawn_alike + 3);
  EXPECT_EQ(g.edges.size(), 1 + 2 * (drawn_alike + 1));
  EXPECT_EQ(node("h6999").state, state::failure) << "what failed is drawn";
  auto const more = node("more of g");
  EXPECT_EQ(more.count, 10'000 - drawn_alike);
  EXPECT_EQ(more.states.at(state::started), 1U);
  EXPECT_EQ(more.states.at(state::success), 9'991U);
  EXPECT_EQ(more.group, "g");
  EXPECT_EQ(node("g").count, 10'000U);
}

TEST_F(WorkflowGraph, ManyChildrenAndManyGroupsAreBoundedToo) {
  call("a");
  for (int i = 0; i < 1'000; ++i)
    call("c" + std::to_string(i), "a"), call("d" + std::to_string(i), "c" + std::to_string(i));
  for (int i = 0; i < 1'000; ++i)
    for (auto const* n : {"x", "y"})
      call("h" + std::to_string(i) + n, "a", "g" + std::to_string(i), "z" + std::to_string(i));
  for (int i = 0; i < 1'000; ++i) call("z" + std::to_string(i), "h" + std::to_string(i) + "x", "outer");
  auto const g = graph_of(tasks);
  EXPECT_LT(g.nodes.size(), 100U);
  EXPECT_LT(g.edges.size(), 200U);
  std::size_t all = 0;
  for (auto const& n : g.nodes)
    if (n.kind != graph_node::kind_of::group) all += n.count;
  EXPECT_EQ(all, tasks.size()) << "each is drawn or counted, once";
}

TEST_F(WorkflowGraph, CirclesAndStrangersDoNoHarm) {
  call("a", "b"), call("b", "a"), call("c", "c"), call("d", "gone");
  call("e", "d", "g", "e"), call("f", "e", "g", "g");
  EXPECT_EQ(graph_of(tasks).nodes.size(), 7U);
  EXPECT_THAT(graph_of({}).nodes, IsEmpty());
}

}  // namespace
}  // namespace lovage::monitor
