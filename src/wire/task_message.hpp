// A task message with its meaning: Celery's protocol 2 (and 1 when reading).
#pragma once

#include "wire/envelope.hpp"

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <vector>

namespace lovage::wire {

/// Who is called afterwards (wire-format 2.3). Each signature stays a map (wire-format 3.1).
struct embed {
  value::list callbacks;             ///< called with the return value
  value::list errbacks;              ///< called on failure
  std::optional<value::list> chain;  ///< remaining steps *reversed*: the last element comes next; null when absent
  value chord;                       ///< null, or the body of the chord that this task is a header part of
  friend bool operator==(embed const&, embed const&) = default;
};

/// Every header of protocol 2, and the body. Optional means: null or absent on the wire.
struct task_message {
  std::string task;
  task_id id;
  std::string lang = "c++";
  std::optional<std::string> shadow;
  std::optional<datetime> eta;      ///< naive is UTC
  std::optional<datetime> expires;  ///< naive is UTC
  std::optional<std::string> group;
  std::optional<std::int64_t> group_index;
  std::int64_t retries = 0;
  std::optional<double> hard_limit_s, soft_limit_s;
  std::optional<std::string> root_id, parent_id;
  std::string argsrepr, kwargsrepr;
  std::string origin;
  bool ignore_result = false;
  /// The header says false instead of null: from Celery 5.7 on, a result is then stored whatever the task says.
  bool result_wanted = false;
  std::int64_t replaced_task_nesting = 0;
  value::list stamped_headers;  ///< names of the stamps
  value::map stamps;
  value::map extra_headers;  ///< custom headers, in order

  value::list args;
  value::map kwargs;
  wire::embed embed;

  wire::properties properties;
  int protocol = 2;  ///< 1 when read from a protocol 1 message
  friend bool operator==(task_message const&, task_message const&) = default;
};

struct decode_options {
  /// Serializer names or mime types ("json", "application/json") that may be read.
  std::vector<std::string> accept_content{"json"};
};

struct encode_options {
  std::string serializer = "json";  ///< json, msgpack, yaml
  std::string compression;          ///< empty: none; zlib, gzip, bzip2, lzma, brotli, zstd
  /// Write Python's extra scalars as {"__type__", "__value__"} (kombu >= 5.3) instead of plain text.
  bool typed_json = false;
};

/// Bytes to meaning. Errors: `not_accepted` (content type), `decode` (everything else), each naming the part that is
/// wrong. Never throws but for memory.
[[nodiscard]] expected<task_message> decode_task(envelope const& from, decode_options const& options);

/// Meaning to bytes, always protocol 2. An empty `correlation_id` becomes the task's id, as Celery has it; the headers
/// of Celery 5.3 (stamps, replaced_task_nesting) are written when one of them says something.
/// Errors: `encode` (unknown serializer or compression, no name or id, value without a form, expiration out of range,
/// custom header with a name of the protocol's own).
[[nodiscard]] expected<envelope> encode_task(task_message const& from, encode_options const& options);
/// The same without copying the arguments: for the sender's hot path.
[[nodiscard]] expected<envelope> encode_task(task_message&& from, encode_options const& options);

/// Python-like text of arguments for humans: "(2, 3)", "{'x': 1}", at most `max_size` characters (wire-format 1.6).
[[nodiscard]] std::string args_repr(value::list const& args, std::size_t max_size = 1024);
[[nodiscard]] std::string kwargs_repr(value::map const& kwargs, std::size_t max_size = 1024);
[[nodiscard]] std::string repr(value const& v, std::size_t max_size = 1024);

}  // namespace lovage::wire
