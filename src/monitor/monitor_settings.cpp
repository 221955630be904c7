#include "config/config_access.hpp"
#include "monitor/monitor.hpp"

#include <utility>

namespace lovage::monitor {
namespace {

std::vector<std::string> parted(std::string const& text) {
  std::vector<std::string> out;
  std::string one;
  for (char const c : text + ",") {
    if (c == ' ') continue;
    if (c != ',')
      one += c;
    else if (!one.empty())
      out.push_back(std::exchange(one, {}));
  }
  return out;
}

}  // namespace

expected<monitor_settings> monitor_settings::of(config const& c) {
  using std::chrono::duration_cast, std::chrono::seconds;
  monitor_settings out;
  out.history_path = c.web_history_path();
  if (out.history_path.empty()) out.history_path = state_directory(process_environment()) + "/history.db";
  out.keep.age = std::chrono::hours{24} * c.web_history_days();
  out.keep.bytes = static_cast<std::uint64_t>(c.web_history_megabytes()) * 1'000'000;
  out.rules.failure_rate = c.alert_failure_percent() / 100.0;
  out.rules.failure_least = static_cast<std::uint64_t>(c.alert_failure_least());
  out.rules.backlog_age = duration_cast<seconds>(c.alert_backlog_age());
  out.rules.worker_lost = duration_cast<seconds>(c.alert_worker_lost());
  out.rules.schedule_missed = duration_cast<seconds>(c.alert_schedule_missed());
  out.notify = {c.alert_webhook_url(), c.alert_smtp_url(), c.alert_mail_from(), parted(c.alert_mail_to()),
                c.alert_link()};
  if (auto const fine = check(out.notify); !fine) return fail(fine.error());
  return out;
}

}  // namespace lovage::monitor
