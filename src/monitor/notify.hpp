// Tells people of alerts: a webhook, an e-mail.
#pragma once

#include "monitor/alerts.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace lovage::monitor {

struct notify_settings {
  std::string webhook = {};  ///< http(s) URL that gets a POST of JSON; empty: none
  std::string smtp = {};     ///< smtp://user:password@host:port, smtps://...; empty: none
  std::string from = {};     ///< address
  std::vector<std::string> to = {};
  std::string link = {};  ///< of the dashboard, for the texts; may be empty
};

/// Errors: `bad_config`, which names the setting.
[[nodiscard]] expected<void> check(notify_settings const& with);
/// {"alert": id, "kind", "subject", "text", "state": "fired"|"resolved", "since", "resolved", "link"}; times are Unix
/// seconds.
[[nodiscard]] std::string webhook_body(alert const& what, notify_settings const& with);
/// Headers and text, lines ended by CR LF. Nothing in `what` can add a header.
[[nodiscard]] std::string mail_text(alert const& what, notify_settings const& with, time_point now);

enum class way : std::uint8_t { webhook, mail };
/// Those that are set.
[[nodiscard]] std::vector<way> ways_of(notify_settings const& with);

/// One attempt. *Threads*: any. *On failure*: `unavailable`, `timeout`.
[[nodiscard]] expected<void> notify(way by, alert const& what, notify_settings const& with, time_point now,
                                    deadline until);

}  // namespace lovage::monitor
