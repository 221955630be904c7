// The result record ("meta") that backends keep (wire-format 7).
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::wire {

namespace state {
inline constexpr char const* pending = "PENDING";
inline constexpr char const* received = "RECEIVED";
inline constexpr char const* started = "STARTED";
inline constexpr char const* retry = "RETRY";
inline constexpr char const* success = "SUCCESS";
inline constexpr char const* failure = "FAILURE";
inline constexpr char const* revoked = "REVOKED";
/// SUCCESS, FAILURE, REVOKED: nothing comes after.
[[nodiscard]] inline bool is_ready(std::string_view s) noexcept { return s == success || s == failure || s == revoked; }
}  // namespace state

/// An exception as data (wire-format 7.4).
struct exception_info {
  std::string type;
  value::list message;  ///< constructor arguments; one text, as a rule
  std::string module;
  [[nodiscard]] value to_value() const;
  /// Accepts the odd shapes too (text instead of list, null module). Nothing when `v` is no exception map.
  [[nodiscard]] static std::optional<exception_info> from_value(value const& v);
  /// The arguments as one text: the single text itself, or their repr joined by ", ".
  [[nodiscard]] std::string text() const;
  /// As Python's: "ValueError('no url')"; each argument shortened.
  [[nodiscard]] std::string repr_text() const;
};

struct result_record {
  task_id id;
  std::string status = state::pending;
  value result;  ///< return value, exception map, or what a custom state carries
  std::optional<std::string> traceback;
  value children;                        ///< list of result tuples (7.6), or null
  std::optional<std::string> date_done;  ///< ISO text; only when ready
  std::optional<std::string> group_id, parent_id;
  value::map extended;  ///< name, args, kwargs, worker, retries, queue, stamps: with `result_extended`
  /// Where `rpc://` sends it, from the task's message: the sender's reply queue, and its id of the request. No part of
  /// the record: never stored, never read, not compared.
  std::string reply_to, correlation_id;
  /// Which periodic task it was sent by, for Django's tables alone; no part of the record either.
  std::string periodic_task_name;
  [[nodiscard]] bool ready() const noexcept { return state::is_ready(status); }
  friend bool operator==(result_record const& a, result_record const& b);
};

/// The record as Python's key/value backends write it, key for key.
[[nodiscard]] value to_value(result_record const& r);
/// The shorter body of an `rpc://` result message (wire-format 7.7).
[[nodiscard]] value to_rpc_value(result_record const& r);
/// Reads both, and the minimal one; keys it does not know go to `extended`. A missing `task_id` leaves `id` empty: the
/// key under which the record was found says it too. *On failure*: `decode`, where "result.<key>".
[[nodiscard]] expected<result_record> to_record(value&& v);

/// `serializer` is json, msgpack or yaml (setting `result_serializer`). Errors: `encode` (no id, no status, a value
/// without a form), `decode`, and `not_supported` for pickle, which is refused on purpose.
[[nodiscard]] expected<std::string> encode_record(result_record const& r, std::string_view serializer = "json");
[[nodiscard]] expected<result_record> decode_record(std::string_view data, std::string_view serializer = "json");

/// "2026-11-23T12:00:00.123456+00:00": six digits or no fraction, always with offset when aware (wire-format 1.2).
[[nodiscard]] std::string to_iso(datetime const& d);
[[nodiscard]] inline std::string to_iso(time_point t) { return to_iso(datetime::from(t)); }
/// Everything that Celery 5.2 or 5.6 reads, taken as 5.6 takes it.
[[nodiscard]] expected<datetime> parse_iso(std::string_view text);

}  // namespace lovage::wire
