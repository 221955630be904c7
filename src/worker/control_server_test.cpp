// From a client's question to a node's answer, over the in-process broker.
#include "worker/control_server.hpp"

#include "core/ids.hpp"
#include "pool/pool.hpp"
#include "worker/control_address.hpp"

#include <gmock/gmock.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

wire::control_request to(std::optional<std::vector<std::string>> destination, char const* pattern = nullptr,
                         char const* matcher = nullptr) {
  wire::control_request r;
  r.method = "ping";
  r.destination = std::move(destination);
  if (pattern) r.pattern = pattern;
  if (matcher) r.matcher = matcher;
  return r;
}

TEST(ControlAddress, NamesNodesOrDescribesThem) {
  std::string const node = "w1@host";
  EXPECT_TRUE(is_for(to({}), node));
  EXPECT_TRUE(is_for(to({{"w2@host", "w1@host"}}), node));
  EXPECT_FALSE(is_for(to({{"w2@host"}}), node));
  EXPECT_TRUE(is_for(to({}, "w*@host"), node));
  EXPECT_TRUE(is_for(to({}, "w[0-9]@*", "glob"), node));
  EXPECT_FALSE(is_for(to({}, "v*", "glob"), node));
  EXPECT_TRUE(is_for(to({}, "w[0-9]@.*", "pcre"), node));
  EXPECT_FALSE(is_for(to({}, "1@host", "pcre"), node)) << "it matches from the start on";
  EXPECT_FALSE(is_for(to({}, "(", "pcre"), node)) << "no expression";
  EXPECT_FALSE(is_for(to({}, "w1", "sql"), node)) << "no matcher";
  EXPECT_FALSE(is_for(to({}, std::string(2000, '(').c_str(), "pcre"), node));
}

class ControlServer : public ::testing::Test {
 protected:
  std::unique_ptr<control_server> serve(std::string name) {
    auto out = std::make_unique<control_server>(node{*app_.state(), std::move(name), *pool_, clock_});
    out->start(10s);
    return out;
  }
  static control_options quick() { return control_options{}.timeout(std::chrono::duration<double>{10}); }
  static std::vector<std::string> nodes(std::vector<node_reply> const& of) {
    std::vector<std::string> out;
    for (auto const& r : of) out.push_back(r.node);
    std::sort(out.begin(), out.end());
    return out;
  }

  app app_{config{}.broker_url("memory://" + random_uuid().str())};
  std::unique_ptr<pool::pool> pool_ = pool::make_solo();
  lamport_clock clock_;
};

TEST_F(ControlServer, AnswersEverybodyOrThoseThatAreNamed) {
  auto const one = serve("w1@host"), two = serve("w2@host");
  EXPECT_THAT(nodes(app_.control(quick().limit(2)).ping()), ElementsAre("w1@host", "w2@host"));
  EXPECT_THAT(nodes(app_.control(quick().destination({"w2@host"})).ping()), ElementsAre("w2@host"));
  EXPECT_THAT(nodes(app_.control(quick().pattern("w1*").limit(1)).ping()), ElementsAre("w1@host"));
  auto const asked = app_.control(quick().limit(1).destination({"w1@host"})).inspect().ping();
  EXPECT_EQ(*asked.at("w1@host").find("ok"), value{"pong"});
}

TEST_F(ControlServer, TellsOfRepliesAsTheyCome) {
  auto const one = serve("w1@host");
  std::vector<std::string> told;
  auto control = app_.control(quick().limit(1));
  (void)control.broadcast("ping", {}, [&](node_reply const& r) { told.push_back(r.node); });
  EXPECT_THAT(told, ElementsAre("w1@host"));
  auto const unknown = control.broadcast("no_such_command");
  ASSERT_EQ(unknown.size(), 1U);
  EXPECT_EQ(unknown[0].error(), "KeyError('no_such_command')");
}

TEST_F(ControlServer, IsNotAskedAnyMoreOnceItHasStopped) {
  auto const one = serve("w1@host");
  one->stop();
  one->stop();
  EXPECT_THAT(app_.control(control_options{}.timeout(1ms)).ping(), ElementsAre());
}

TEST_F(ControlServer, GoesOnAfterARequestThatIsNone) {
  auto const one = serve("w1@host");
  auto const mail = control_mail::settings::of(app_.settings());
  auto bad = control_mail::write(to({}), mail).value();
  auto foreign = bad;
  bad.envelope.body = "{";
  foreign.envelope.content_type = "application/x-python-serialize";
  ASSERT_TRUE(app_.state()->producer(1s).value()->publish(std::vector{bad, foreign}, 1s));
  EXPECT_THAT(nodes(app_.control(quick().limit(1)).ping()), ElementsAre("w1@host"));
}

TEST_F(ControlServer, MovesTheClocksOfBothSides) {
  auto const one = serve("w1@host");
  clock_.adjust(100);
  auto control = app_.control(quick().limit(1));
  (void)control.ping();
  EXPECT_GT(clock_.value(), 101);
  auto const before = clock_.value();
  (void)control.ping();
  EXPECT_GT(clock_.value(), before + 1) << "the client learned the node's clock";
}

}  // namespace
}  // namespace lovage::work
