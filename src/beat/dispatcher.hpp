// Sends what is claimed, until the broker has it: the second half of an occurrence.
#pragma once

#include "app/app_state.hpp"
#include "beat/health_report.hpp"
#include "beat/schedule_store.hpp"

#include <string>
#include <vector>

namespace lovage::beats {

/// A header of django-celery-beat's, by which results tell where a task came from.
inline constexpr char const* entry_header = "periodic_task_name";

/// A claimed occurrence and what it sends.
struct claimed_call {
  std::string entry;
  time_point due;
  std::string call;  ///< as of `entry::call`
  bool last = false;
  time_point moment = due;  ///< when it was to be sent
};

/// *Threads*: one at a time.
class dispatcher {
 public:
  dispatcher(detail::app_state& app, schedule_store& store) : app_{app}, store_{store} {}

  void add(std::vector<claimed_call> some);
  /// Sends what waits, and notes it in the store. False when it has to be tried again: broker or store are away, which
  /// the log tells once.
  [[nodiscard]] bool work(deadline until);
  [[nodiscard]] bool idle() const noexcept { return waiting_.empty() && notes_.empty(); }
  /// Another scheduler will take over what waits.
  void forget();
  /// `left_out` is not known here.
  [[nodiscard]] run_counts const& counts() const noexcept { return counts_; }
  /// Why nothing is sent; empty while all goes well.
  [[nodiscard]] std::string const& trouble() const noexcept { return trouble_; }

 private:
  [[nodiscard]] expected<void> send(std::vector<claimed_call>& some, deadline until);
  [[nodiscard]] bool send_one_by_one(deadline until);
  [[nodiscard]] bool note(deadline until);
  void sent(claimed_call&& c);
  void refused(claimed_call&& c, error_info const& why);
  [[nodiscard]] bool away(char const* what, error_info const& why);
  void back();

  struct owned_note {
    std::string entry;
    time_point due, at;
    bool last, counts;
  };

  detail::app_state& app_;
  schedule_store& store_;
  std::vector<claimed_call> waiting_;
  std::vector<owned_note> notes_;
  run_counts counts_;
  std::string trouble_;  ///< as the log was told
};

/// The call of an entry, as it was given. Errors: `decode`, `invalid_argument`.
[[nodiscard]] expected<raw_call> call_of_entry(std::string_view call);
/// The same as an occurrence is sent: with its id, its name, and a text of this sending's own.
[[nodiscard]] expected<raw_call> call_of_occurrence(claimed_call const& c);

}  // namespace lovage::beats
