// The headers table of protocol 2 (wire-format 2.2), shared by decoding and encoding.
#pragma once

#include "wire/fields.hpp"
#include "wire/task_message.hpp"

namespace lovage::wire {

/// In the order in which Celery writes them.
enum class header_key : std::uint8_t {
  lang,
  task,
  id,
  shadow,
  eta,
  expires,
  group,
  group_index,
  retries,
  timelimit,
  root_id,
  parent_id,
  argsrepr,
  kwargsrepr,
  origin,
  ignore_result,
  replaced_task_nesting,
  stamped_headers,
  stamps,
  compression,
  redelivered,
  custom,  ///< none of the above
};

/// Looks for `key` beginning at `hint`: keys come in Celery's order, so the first comparison hits, as a rule.
[[nodiscard]] header_key find_header_key(std::string_view key, header_key hint = header_key::lang) noexcept;

/// Puts one header (or member of a protocol 1 body) in its place. Headers for humans only (`lang`, `argsrepr`,
/// `kwargsrepr`, `origin`) that are no text are passed over. `custom`, `compression` and `redelivered` do nothing.
void read_header(header_key which, std::string_view key, value const& v, task_message& out, fields& in);

/// Every header into `out`, custom ones into `extra_headers`. `compression` and `redelivered` belong to this one
/// delivery, not to the task: they are in the envelope only.
[[nodiscard]] expected<void> decode_headers(value::map const& headers, task_message& out);

/// Protocol 1: only the custom headers, the rest is in the body.
void decode_custom_headers(value::map const& headers, task_message& out);

/// Moves the headers out of `from`. `compression` is the text to write; empty: no such header.
/// *On failure*: `encode` when a custom header bears the name of one of the protocol's own.
[[nodiscard]] expected<value::map> encode_headers(task_message& from, std::string_view compression);

}  // namespace lovage::wire
