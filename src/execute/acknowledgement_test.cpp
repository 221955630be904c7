// Celery's table of what becomes of a message, in one place: how the task ended, under which options, and what then
// happens to its delivery and its result.
#include "execute/conclude.hpp"
#include "execute/intake.hpp"

#include "core/log.hpp"

#include "sample_task.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <ostream>

namespace lovage::execute {
namespace {

using namespace std::chrono_literals;
using broker::disposition;
using testing::add;
using testing::noon;

enum class ending { success, failure, lost, timed_out, ignore, reject, reject_requeue, expired, revoked, terminated };

struct row {
  char const* name;
  ending how;
  bool on_failure = true;  ///< acks_on_failure
  bool on_timeout = true;  ///< acks_on_timeout
  bool on_lost = true;     ///< reject_on_worker_lost
  std::uint32_t attempts = 0;
  disposition then = disposition::done;
  char const* stored = "none";
  bool early = false;  ///< acks_late off: acknowledged before the run

  friend void PrintTo(row const& r, std::ostream* out) { *out << r.name; }
};

constexpr auto done = disposition::done, requeue = disposition::requeue, bury = disposition::bury;

class Acknowledgement : public ::testing::TestWithParam<row>, protected testing::worker_rules {
 protected:
  Acknowledgement() { with.delivery_limit = 3; }
  request taken() {
    wire::task_message m;
    m.task = "t.add";
    m.id = task_id{"id-1"};
    m.args = {2, 3};
    auto const& p = GetParam();
    broker::delivery d{7, queue_name{"celery"}, *wire::encode_task(m, {}), 0, p.attempts, p.attempts > 0};
    auto r = take_in(std::move(d), with, noon, out);
    r->options.acks_on_failure = p.on_failure;
    r->options.acks_on_timeout = p.on_timeout;
    r->options.reject_on_worker_lost = p.on_lost;
    r->settled = p.early;
    return *std::move(r);
  }
  static outcome ended(lovage_outcome kind, value::map details) { return {kind, pack(value{std::move(details)})}; }
  void finish(request const& r, ending how) {
    switch (how) {
      case ending::success: return conclude(r, {LOVAGE_SUCCESS, pack(5)}, with, noon, 1ms, out);
      case ending::failure: return conclude(r, ended(LOVAGE_FAILURE, {{"type", "E"}}), with, noon, 1ms, out);
      case ending::lost: return conclude_lost(r, "signal 9 (SIGKILL)", with, noon, out);
      case ending::timed_out: return conclude_timed_out(r, with, noon, out);
      case ending::ignore: return conclude(r, ended(LOVAGE_IGNORED, {}), with, noon, 1ms, out);
      case ending::reject:
      case ending::reject_requeue:
        return conclude(r, ended(LOVAGE_REJECTED, {{"requeue", how == ending::reject_requeue}}), with, noon, 1ms, out);
      case ending::expired: return revoke_request(r, with, "expired", noon, out);
      case ending::revoked: return revoke_request(r, with, "revoked", noon, out);
      case ending::terminated: return revoke_request(r, with, "terminated", noon, out);
    }
  }
};

TEST_P(Acknowledgement, is_as_the_table_says) {
  finish(taken(), GetParam().how);
  ASSERT_EQ(out.closings.size(), 1U);
  EXPECT_EQ(out.closings[0].how, GetParam().then);
  EXPECT_EQ(out.records.empty() ? "none" : out.records[0].status, GetParam().stored);
  EXPECT_EQ(out.closings[0].over, GetParam().then == done) << "only what is over makes a copy needless";
}

INSTANTIATE_TEST_SUITE_P(
    Celery, Acknowledgement,
    ::testing::Values(  // name, ending, acks_on_failure, acks_on_timeout, reject_on_worker_lost, attempts, then, stored
        row{"success", ending::success, true, true, true, 0, done, "SUCCESS"},
        row{"failure", ending::failure, true, true, true, 0, done, "FAILURE"},
        row{"failure_not_acknowledged", ending::failure, false, true, true, 0, bury, "FAILURE"},
        row{"failure_acknowledged_early", ending::failure, false, true, true, 0, done, "FAILURE", true},
        row{"lost_and_rejected", ending::lost, true, true, true, 0, requeue, "none"},
        row{"lost_for_the_last_time", ending::lost, true, true, true, 2, bury, "FAILURE"},
        row{"lost_and_not_rejected", ending::lost, true, true, false, 0, done, "FAILURE"},
        row{"lost_after_it_was_acknowledged", ending::lost, true, true, false, 0, done, "FAILURE", true},
        row{"timeout", ending::timed_out, true, true, true, 0, done, "FAILURE"},
        row{"timeout_not_acknowledged", ending::timed_out, true, false, true, 0, requeue, "none"},
        row{"timeout_for_the_last_time", ending::timed_out, true, false, true, 2, bury, "FAILURE"},
        row{"timeout_acknowledged_early", ending::timed_out, true, false, true, 0, done, "FAILURE", true},
        row{"ignored", ending::ignore, true, true, true, 0, done, "none"},
        row{"ignored_whatever_the_options", ending::ignore, false, false, false, 0, done, "none"},
        row{"rejected", ending::reject, true, true, true, 0, bury, "none"},
        row{"rejected_to_be_run_again", ending::reject_requeue, true, true, true, 0, requeue, "none"},
        row{"expired", ending::expired, false, false, true, 0, done, "REVOKED"},
        row{"revoked", ending::revoked, false, false, true, 0, done, "REVOKED"},
        row{"terminated", ending::terminated, false, false, true, 0, done, "REVOKED"}),
    [](auto const& of) { return of.param.name; });

}  // namespace
}  // namespace lovage::execute
