#include "cli/multi_plan.hpp"

#include "cli/service.hpp"
#include "cli/session.hpp"

#include <gmock/gmock.h>

namespace lovage::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<multi_node> plan(std::vector<std::string> const& words) { return plan_nodes(words, "box", "/state"); }

TEST(MultiPlan, ANumberIsHowManyNodesThereAre) {
  auto const nodes = plan({"3", "-A", "lib.so", "-l", "info"});
  ASSERT_THAT(nodes, SizeIs(3));
  EXPECT_EQ(nodes[2].name, "celery3@box");
  EXPECT_THAT(nodes[2].options, ElementsAre("-A", "lib.so", "-l", "info"));
  EXPECT_EQ(nodes[2].pidfile, "/state/celery3.pid");
}

TEST(MultiPlan, OptionsReachTheNodesTheyName) {
  auto const nodes = plan({"w1", "w2@far", "w3", "-c", "3", "-c:w1", "5", "-Q:2-3", "images", "--loglevel:1,3=debug"});
  ASSERT_THAT(nodes, SizeIs(3));
  EXPECT_THAT(nodes[0].options, ElementsAre("-c", "3", "-c", "5", "--loglevel=debug"));
  EXPECT_EQ(nodes[1].name, "w2@far");
  EXPECT_THAT(nodes[1].options, ElementsAre("-c", "3", "-Q", "images"));
  EXPECT_THAT(nodes[2].options, ElementsAre("-c", "3", "-Q", "images", "--loglevel=debug"));
}

TEST(MultiPlan, FilesAreNamedAfterTheirNode) {
  auto const nodes = plan({"w1", "--pidfile=/run/%n.pid", "--logfile=/log/%n%I-%h.log", "--logfile:w1=/own/%p.log"});
  EXPECT_EQ(nodes[0].pidfile, "/run/w1.pid");
  EXPECT_EQ(nodes[0].logfile, "/own/w1@box.log");
  EXPECT_THAT(nodes[0].options, IsEmpty());
  EXPECT_EQ(expand_file_name("%n-%h-%d-%i%%", "w1@box.example.org"), "w1-box.example.org-example.org-%");
}

TEST(MultiPlan, RefusesWhatCannotBeMeant) {
  EXPECT_THROW((void)plan({"-c", "3"}), usage_error);
  EXPECT_THROW((void)plan({"w1", "w1@box"}), usage_error);
  EXPECT_THROW((void)plan({"0"}), usage_error);
  EXPECT_THROW((void)plan({"100000"}), usage_error);
}

}  // namespace
}  // namespace lovage::cli
