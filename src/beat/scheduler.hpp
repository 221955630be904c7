// The loop that every scheduler runs: lead or wait to, read what changed, decide, send.
#pragma once

#include "app/app_state.hpp"
#include "beat/agenda.hpp"
#include "beat/dispatcher.hpp"
#include "beat/health_report.hpp"
#include "beat/last_runs.hpp"
#include "beat/schedule_store.hpp"

#include <lovage/deadline.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace lovage::beats {

/// *Threads*: `run` by one; the others by any.
class scheduler {
 public:
  struct options {
    std::string name;  ///< who leads: unique among all
    agenda::options times;
    std::chrono::milliseconds poll{2'000};  ///< how often to look whether entries or the leader changed
    std::chrono::milliseconds lease{9'000};
  };

  scheduler(detail::app_state& app, std::shared_ptr<schedule_store> store, std::vector<entry> own, options with);

  /// Until `stop`; gives up the lead then.
  void run();
  void stop();
  [[nodiscard]] bool wait_leading(deadline until) const;
  /// As of the last time its loop came round.
  [[nodiscard]] health_facts facts() const;

  /// One round: what is due now is sent. Until when there is nothing to do, at most. For tests, in place of `run`.
  [[nodiscard]] std::chrono::steady_clock::duration turn();

 private:
  using clock = std::chrono::steady_clock;
  [[nodiscard]] bool lead();
  void begin_term();
  void end_term(std::string const& why);
  void set_leading(bool yes);
  void tell_facts();
  [[nodiscard]] bool read_changes();
  [[nodiscard]] bool take_over();
  [[nodiscard]] bool work_through();
  void heed_overlaps(std::vector<agenda::item>& due);
  void heed_overlap(agenda::item& of, bool runs);
  [[nodiscard]] bool decide(std::vector<agenda::item> const& due);
  void say_what_overlaps_need() const;
  void say_what_the_leader_lacks() const;
  void clean_up();
  [[nodiscard]] bool failed(error_info const& why);
  void worked();
  [[nodiscard]] clock::duration until_next() const;

  detail::app_state& app_;
  std::shared_ptr<schedule_store> const store_;
  std::vector<entry> const own_;
  options const with_;
  agenda agenda_;
  dispatcher dispatcher_;
  last_runs last_runs_;
  std::uint64_t term_ = 0, counter_ = 0;
  clock::time_point ask_at_{}, renew_at_{}, lead_until_{}, read_at_{}, take_over_at_{}, clean_at_{};
  std::string holder_;
  int refused_ = 0;      ///< how often somebody else led when it was asked
  std::string trouble_;  ///< why the store is away, as the log was told
  std::uint64_t left_out_ = 0;
  std::atomic<bool> stopping_{false};

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable leading_changed_;
  bool leading_ = false;
  health_facts facts_;
};

}  // namespace lovage::beats
