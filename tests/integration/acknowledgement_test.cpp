// What becomes of a message, by what its task does and under which options: the table of docs/guide/workers.md, with a
// real worker and children that die, on every broker.
#include <lovage/app.hpp>
#include <lovage/worker.hpp>

#include "app/app_state.hpp"
#include "pool/prefork.hpp"

#include "broker_place.hpp"
#include "eventually.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

namespace lovage {
namespace {

using namespace std::chrono_literals;

/// Notes that it runs, in the file `log`, and does `what` while it has been run no more than `times`, and `log`.mended
/// is not there; then it returns.
using act = task<int(std::string, int, std::string)>;
constexpr act plain{"t.plain", {"what", "times", "log"}};
constexpr act early{"t.early", {"what", "times", "log"}};
constexpr act keeps_failures{"t.keeps_failures", {"what", "times", "log"}};
constexpr act keeps_timeouts{"t.keeps_timeouts", {"what", "times", "log"}};
constexpr act drops_lost{"t.drops_lost", {"what", "times", "log"}};
constexpr act endless{"t.endless", {"what", "times", "log"}};
constexpr act unknown{"t.unknown", {"what", "times", "log"}};  // has no body

constexpr int always = 1'000'000;
constexpr int delivery_limit = 3;

int lines_of(std::string const& file) {
  std::ifstream in{file};
  int n = 0;
  for (std::string line; std::getline(in, line);) ++n;
  return n;
}

int body(context& self, std::string const& what, int times, std::string const& log) {
  std::ofstream{log, std::ios::app} << "x\n";
  if (lines_of(log) > times || std::filesystem::exists(log + ".mended")) return 5;
  if (what == "fail") throw std::runtime_error{"no"};
  if (what == "retry") throw self.retry(0s);
  if (what == "ignore") throw ignore{};
  if (what == "reject") throw reject{"unwanted"};
  if (what == "requeue") throw reject{"later", true};
  if (what == "die") ::kill(::getpid(), SIGKILL);
  if (what == "hang") std::this_thread::sleep_for(10min);  // until it is killed
  return 5;
}

void define_all(app& on) {
  auto const own = [] { return limits{}.time_limit(300ms); };
  on.tasks().define(plain, body, own());
  on.tasks().define(early, body, own().acks_late(false).acks_on_failure(false).acks_on_timeout(false));
  on.tasks().define(keeps_failures, body, own().acks_on_failure(false));
  on.tasks().define(keeps_timeouts, body, own().acks_on_timeout(false));
  on.tasks().define(drops_lost, body, own().reject_on_worker_lost(false));
  on.tasks().define(endless, body);
}

enum class meddling { none, revoked, expired, terminated };

struct row {
  char const* name;
  act const* task;
  char const* what;
  int times;
  int runs;            ///< in all
  char const* result;  ///< state, or a failure's type; PENDING: none
  bool dead = false;   ///< it is in the dead set, else gone
  meddling by = meddling::none;
};

row const rows[] = {
    {"returns", &plain, "return", always, 1, "SUCCESS"},
    {"fails", &plain, "fail", always, 1, "RuntimeError"},
    {"fails, acks_on_failure off", &keeps_failures, "fail", always, 1, "RuntimeError", true},
    {"fails, acknowledged early", &early, "fail", always, 1, "RuntimeError"},
    {"is retried once", &plain, "retry", 1, 2, "SUCCESS"},
    {"dies once", &plain, "die", 1, 2, "SUCCESS"},
    {"dies each time", &plain, "die", always, delivery_limit, "WorkerLostError", true},
    {"dies, reject_on_worker_lost off", &drops_lost, "die", always, 1, "WorkerLostError"},
    {"dies, acknowledged early", &early, "die", always, 1, "WorkerLostError"},
    {"hangs", &plain, "hang", always, 1, "TimeLimitExceeded"},
    {"hangs once, acks_on_timeout off", &keeps_timeouts, "hang", 1, 2, "SUCCESS"},
    {"hangs each time, acks_on_timeout off", &keeps_timeouts, "hang", always, delivery_limit, "TimeLimitExceeded",
     true},
    {"hangs, acknowledged early", &early, "hang", always, 1, "TimeLimitExceeded"},
    {"fails, acks_on_timeout off", &keeps_timeouts, "fail", always, 1, "RuntimeError"},
    {"hangs, acks_on_failure off", &keeps_failures, "hang", always, 1, "TimeLimitExceeded"},
    {"is ignored", &plain, "ignore", always, 1, "PENDING"},
    {"is rejected", &plain, "reject", always, 1, "PENDING", true},
    {"is rejected, acknowledged early", &early, "reject", always, 1, "PENDING"},
    {"is rejected with requeue once", &plain, "requeue", 1, 2, "SUCCESS"},
    {"is rejected with requeue each time", &plain, "requeue", always, delivery_limit, "WorkerLostError", true},
    {"is rejected with requeue, acknowledged early", &early, "requeue", always, 1, "PENDING"},
    {"is known to nobody", &unknown, "", always, 0, "NotRegistered", true},
    {"expires", &plain, "return", always, 0, "REVOKED", false, meddling::expired},
    {"was revoked", &plain, "return", always, 0, "REVOKED", false, meddling::revoked},
    {"is terminated", &endless, "hang", always, 1, "REVOKED", false, meddling::terminated},
};

class Acknowledged : public ::testing::TestWithParam<char const*> {
 protected:
  Acknowledged()
      : on{config{}
               .broker_url(place.broker_url())
               .result_backend(place.result_backend())
               .task_delivery_limit(delivery_limit)} {
    define_all(on);
  }
  ~Acknowledged() override { stop(); }

  /// A queue for each row, so that what is left tells of one.
  static std::string queue(std::size_t i) { return "row" + std::to_string(i); }
  std::string log(std::size_t i) const { return (place.directory() / queue(i)).string(); }

  void send(std::size_t i) {
    auto const& r = rows[i];
    auto call = r.task->s(r.what, r.times, log(i)).queue(queue(i));
    if (r.by == meddling::expired) call.expires(-1s);
    sent.push_back(on.send(std::move(call)));
    if (r.by == meddling::revoked) sent.back().revoke();
  }
  void start() {
    std::vector<std::string> queues;
    for (std::size_t i = 0; i < std::size(rows); ++i) queues.push_back(queue(i));
    by.emplace(on, worker_options{}.pool(pool_kind::prefork).concurrency(2).handle_signals(false).queues(queues));
    thread = std::thread{[this] { by->run(); }};
    ASSERT_TRUE(by->wait_ready(20s));
  }
  /// What it held and did not finish is in its queue again, then.
  void stop() {
    if (by) by->stop();
    if (thread.joinable()) thread.join();
    by.reset();
  }
  void expect_over(std::size_t i, int runs) {
    bool const stored = rows[i].result != std::string_view{"PENDING"};
    EXPECT_TRUE(
        testing::eventually([&] { return lines_of(log(i)) >= runs && (!stored || sent[i].status().ready()); }, 60s))
        << "what " << rows[i].name << ": " << sent[i].state() << ", " << lines_of(log(i)) << " runs";
  }
  std::unique_ptr<broker::inspector> inspect() {
    return on.state()->transport(10s).value()->make_inspector(10s).value();
  }
  std::vector<broker::dead_message> dead(std::size_t i) { return inspect()->dead(queue_name{queue(i)}, 10).value(); }
  /// Without a worker: what waits in the row's queue.
  std::uint64_t waiting(std::size_t i) {
    std::uint64_t n = 0;
    for (auto const& q : inspect()->queues().value())
      if (q.name == queue_name{queue(i)}) n += q.ready + q.delayed + q.claimed;
    return n;
  }
  std::string result(std::size_t i) {
    auto const s = sent[i].status();
    auto const* type = s.state == "FAILURE" ? s.result.find("exc_type") : nullptr;
    auto const* text = type ? type->get_if<std::string>() : nullptr;
    return text ? *text : s.state;
  }
  void expect_left(std::size_t i, bool in_dead_set) {
    EXPECT_EQ(waiting(i), 0U);
    auto const buried = dead(i);
    ASSERT_EQ(buried.size(), in_dead_set ? 1U : 0U) << "in the dead set";
    if (in_dead_set) {
      EXPECT_FALSE(buried[0].reason.empty());
    }
  }
  void expect_as_in_the_table(std::size_t i) {
    SCOPED_TRACE(std::string{"what "} + rows[i].name);
    EXPECT_EQ(lines_of(log(i)), rows[i].runs) << "runs";
    EXPECT_EQ(result(i), rows[i].result);
    expect_left(i, rows[i].dead);
  }

  testing::broker_place place{GetParam()};
  app on;
  std::vector<async_result<int>> sent;
  std::optional<worker> by;
  std::thread thread;
};

TEST_P(Acknowledged, AsTheTableSaysAndSentAgainFromTheDeadSet) {
  for (std::size_t i = 0; i < std::size(rows); ++i) send(i);
  start();
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    if (rows[i].by != meddling::terminated) continue;
    ASSERT_TRUE(testing::eventually([&] { return lines_of(log(i)) == 1; }, 60s));
    sent[i].revoke(true, "KILL");
  }
  for (std::size_t i = 0; i < std::size(rows); ++i) expect_over(i, rows[i].runs);
  stop();
  for (std::size_t i = 0; i < std::size(rows); ++i) expect_as_in_the_table(i);

  std::vector<std::size_t> mended;
  for (std::size_t i = 0; i < std::size(rows); ++i)
    if (rows[i].dead && rows[i].task != &unknown) mended.push_back(i);
  ASSERT_EQ(mended.size(), 5U);
  for (auto const i : mended) {
    std::ofstream{log(i) + ".mended"};
    sent[i].forget();
    EXPECT_EQ(inspect()->redrive(queue_name{queue(i)}, {}).value(), 1U);
  }
  start();
  for (auto const i : mended) expect_over(i, rows[i].runs + 1);
  stop();
  for (auto const i : mended) {
    SCOPED_TRACE(std::string{"mended, what "} + rows[i].name);
    EXPECT_EQ(sent[i].try_get(20s).value(), 5);
    expect_left(i, false);
  }
}

INSTANTIATE_TEST_SUITE_P(Brokers, Acknowledged, ::testing::ValuesIn(testing::every_broker),
                         [](auto const& of) { return std::string{of.param}; });

}  // namespace
}  // namespace lovage

// The fork server is this program, run up to a worker of the same tasks.
int main(int argc, char** argv) {
  if (lovage::pool::is_fork_server()) {
    lovage::app on{lovage::config{}.broker_url("memory://fork-server")};
    lovage::define_all(on);
    return lovage::worker{on, lovage::worker_options{}.pool(lovage::pool_kind::prefork)}.run();
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
