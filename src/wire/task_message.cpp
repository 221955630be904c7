#include "wire/task_message.hpp"

#include "wire/serializer.hpp"
#include "wire/task_body.hpp"
#include "wire/task_headers.hpp"

#include <algorithm>
#include <charconv>

namespace lovage::wire {

namespace {

constexpr std::string_view pickle_types[] = {"application/x-python-serialize", "pickle"};
constexpr std::int64_t longest_expiration_ms = 315'360'000'000;  // RabbitMQ's limit, 3650 days

std::string joined(std::vector<std::string> const& names) {
  std::string out;
  for (auto const& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

bool accepts(std::vector<std::string> const& accept_content, std::string_view content_type) {
  return std::any_of(accept_content.begin(), accept_content.end(), [&](std::string const& accepted) {
    if (accepted == content_type) return true;
    auto const* s = find_serializer(accepted);
    return s != nullptr && s->content_type == content_type;
  });
}

failure not_accepted(std::string_view content_type, decode_options const& options) {
  std::string text = "content type '" + std::string{content_type} + "' ";
  if (std::find(std::begin(pickle_types), std::end(pickle_types), content_type) != std::end(pickle_types)) {
    text +=
        "(pickle) is refused on purpose, whatever accept_content says: reading a pickle runs code that its sender "
        "chose; let the sender set task_serializer to 'json'";
  } else if (accepts(options.accept_content, content_type)) {
    text += "is in accept_content, but there is no serializer for it";
  } else {
    text += "is not in accept_content (" + joined(options.accept_content) + ")";
  }
  return fail(errc::not_accepted, std::move(text), "properties.content_type");
}

/// Only text has an encoding to speak of; the codecs read UTF-8.
bool readable_encoding(std::string_view encoding) {
  auto equals = [&](std::string_view wanted) {
    return std::equal(encoding.begin(), encoding.end(), wanted.begin(), wanted.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
  };
  return encoding.empty() || equals("utf-8") || equals("utf8") || equals("binary") || equals("us-ascii") ||
         equals("ascii");
}

expected<serializer const*> choose_serializer(envelope const& from, decode_options const& options) {
  if (from.content_type.empty())
    return fail(errc::decode, "property 'content_type' is missing", "properties.content_type");
  auto const* s = find_serializer(from.content_type);
  if (s == nullptr || from.content_type != s->content_type || !accepts(options.accept_content, from.content_type))
    return not_accepted(from.content_type, options);
  if (!readable_encoding(from.content_encoding))
    return fail(errc::decode, "content_encoding '" + from.content_encoding + "' is not known, expected utf-8",
                "properties.content_encoding");
  return s;
}

expected<value> read_body(envelope const& from, serializer const& s) {
  auto const* method = find(from.headers, "compression");
  if (method == nullptr || method->is_null()) {
    if (from.body.empty()) return fail(errc::decode, "body is empty", "body");
    return s.read(from.body);
  }
  auto const* name = method->get_if<std::string>();
  if (name == nullptr)
    return fail(errc::decode, std::string{"header 'compression' is "} + method->kind() + ", expected str",
                "headers.compression");
  auto plain = decompress(*name, from.body);
  if (!plain) return fail(plain.error());
  if (plain->empty()) return fail(errc::decode, "body is empty", "body");
  return s.read(*plain);
}

/// Errors of the codecs speak of bytes; say that they are the body's.
failure of_body(error_info error) {
  if (error.code == errc::ok || error.code == errc::internal) error.code = errc::decode;
  if (error.where.empty()) error.where = "body";
  return fail(std::move(error));
}

expected<void> check_properties(properties const& p) {
  if (p.expiration.empty()) return {};
  std::int64_t ms = -1;
  auto const* end = p.expiration.data() + p.expiration.size();
  auto const [stop, problem] = std::from_chars(p.expiration.data(), end, ms);
  if (problem != std::errc{} || stop != end || ms < 0 || ms > longest_expiration_ms)
    return fail(errc::encode, "expiration '" + p.expiration + "' is no number of milliseconds from 0 to 315360000000",
                "properties.expiration");
  return {};
}

}  // namespace

expected<task_message> decode_task(envelope const& from, decode_options const& options) {
  auto const s = choose_serializer(from, options);
  if (!s) return fail(s.error());
  task_message out;
  auto const* task = find(from.headers, "task");
  bool const protocol_2 = task != nullptr && !task->is_null();
  if (protocol_2) {
    if (auto read = decode_headers(from.headers, out); !read) return fail(read.error());
  }
  auto body = read_body(from, **s);
  if (!body) return of_body(body.error());
  if (!protocol_2) {
    if (!is_protocol_1(*body))
      return fail(errc::decode, "no task message: header 'task' is missing and the body is not of protocol 1",
                  "headers.task");
    decode_custom_headers(from.headers, out);
  }
  auto read = protocol_2 ? decode_body(std::move(*body), out) : decode_protocol_1(std::move(*body), out);
  if (!read) return fail(read.error());
  out.properties = from.properties;
  return out;
}

expected<envelope> encode_task(task_message&& from, encode_options const& options) {
  auto const* s = find_serializer(options.serializer);
  if (s == nullptr)
    return fail(errc::encode, "serializer '" + options.serializer + "' is not known (json, msgpack, yaml)",
                "task_serializer");
  auto const label = compression_label(options.compression);
  if (label.empty() && !options.compression.empty())
    return fail(errc::encode, "compression '" + options.compression + "' is not known", "task_compression");
  if (from.task.empty()) return fail(errc::encode, "the task has no name", "headers.task");
  if (from.id.empty()) return fail(errc::encode, "the task has no id", "headers.id");
  if (auto checked = check_properties(from.properties); !checked) return fail(checked.error());

  envelope out;
  out.content_type = s->content_type;
  out.content_encoding = s->content_encoding;
  out.properties = std::move(from.properties);
  if (out.properties.correlation_id.empty()) out.properties.correlation_id = from.id.str();
  auto body = s->write(encode_body(from), options.typed_json);
  if (!body) return fail(body.error());
  auto headers = encode_headers(from, label);
  if (!headers) return fail(headers.error());
  out.headers = std::move(*headers);
  if (label.empty()) {
    out.body = std::move(*body);
    return out;
  }
  auto packed = compress(options.compression, *body);
  if (!packed) return fail(packed.error());
  out.body = std::move(*packed);
  return out;
}

expected<envelope> encode_task(task_message const& from, encode_options const& options) {
  return encode_task(task_message{from}, options);
}

}  // namespace lovage::wire
