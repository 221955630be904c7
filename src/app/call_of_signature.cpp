#include "app/call_of_signature.hpp"

#include "wire/fields.hpp"

#include <array>
#include <utility>

namespace lovage::detail {
namespace {

using wire::fields;
using seconds = call_options::seconds;

// How the sender tries again, and what it says of itself: lovage does that by its settings.
constexpr std::array<std::string_view, 6> passed_over{"retry",    "retry_policy", "connection",
                                                      "producer", "publisher",    "replaced_task_nesting"};

void read_text(std::string_view key, value const& v, std::optional<std::string>& out, fields& in) {
  in.text(key, v, out);
  if (out && out->empty()) out.reset();
}

void read_seconds(std::string_view key, value const& v, std::optional<seconds>& out, fields& in) {
  std::optional<double> s;
  in.number(key, v, s);
  if (s) out = seconds{*s};
}

void read_moment(std::string_view key, value const& v, std::optional<time_point>& out, fields& in) {
  std::optional<datetime> at;
  in.time(key, v, at);
  if (at) out = at->to_time_point();
}

void read_expiry(value const& v, call_options& out, fields& in) {
  if (v.is<double>() || v.is<std::int64_t>()) return read_seconds("expires", v, out.expires_in_, in);
  read_moment("expires", v, out.expires_at_, in);
}

void read_mode(value const& v, call_options& out, fields& in) {
  auto const* name = v.get_if<std::string>();
  std::optional<std::int64_t> mode;
  if (name == nullptr) in.integer("delivery_mode", v, mode);
  bool const transient = name != nullptr ? *name == "transient" : mode == 1;
  if (name != nullptr || mode) out.delivery_mode(transient ? delivery_mode::transient : delivery_mode::persistent);
}

// One signature or a list of them.
void read_links(std::string_view key, value& v, call_options::calls& out, fields& in) {
  value::list all;
  if (v.is<value::map>()) {
    all.push_back(std::move(v));
  } else {
    in.list(key, v, all);
  }
  for (auto& item : all) {
    auto s = wire::signature::from_value(std::move(item));
    auto call = s ? call_of_signature(*std::move(s)) : fail(s.error());
    if (!call) return in.refuse(key, call.error().text());
    out.push_back(std::make_shared<raw_call const>(*std::move(call)));
  }
}

struct option_reader {
  call_options& out;
  fields in{"signature.options", "option"};
  value::list stamps = {};

  [[nodiscard]] bool text_option(std::string_view key, value const& v);
  [[nodiscard]] bool time_option(std::string_view key, value const& v);
  [[nodiscard]] bool other_option(std::string_view key, value& v);
  void read(value::map& options);
};

bool option_reader::text_option(std::string_view key, value const& v) {
  std::pair<std::string_view, std::optional<std::string>*> const texts[] = {
      {"queue", &out.queue_},           {"exchange", &out.exchange_},       {"routing_key", &out.routing_key_},
      {"serializer", &out.serializer_}, {"compression", &out.compression_}, {"shadow", &out.shadow_},
      {"argsrepr", &out.argsrepr_},     {"kwargsrepr", &out.kwargsrepr_}};
  for (auto const& [name, to] : texts)
    if (name == key) return read_text(key, v, *to, in), true;
  return false;
}

bool option_reader::time_option(std::string_view key, value const& v) {
  if (key == "countdown") return read_seconds(key, v, out.countdown_, in), true;
  if (key == "eta") return read_moment(key, v, out.eta_, in), true;
  if (key == "expires") return read_expiry(v, out, in), true;
  if (key == "time_limit") return read_seconds(key, v, out.time_limit_, in), true;
  if (key == "soft_time_limit") return read_seconds(key, v, out.soft_time_limit_, in), true;
  return false;
}

bool option_reader::other_option(std::string_view key, value& v) {
  if (key == "priority") {
    std::optional<std::int64_t> n;
    in.integer(key, v, n);
    if (n && (*n < 0 || *n > 255)) return in.refuse(key, "is not between 0 and 255"), true;
    if (n) out.priority(static_cast<int>(std::min<std::int64_t>(*n, 9)));
    return true;
  }
  if (key == "delivery_mode") return read_mode(v, out, in), true;
  if (key == "headers") return in.map(key, v, out.headers_), true;
  if (key == "link") return read_links(key, v, out.links_, in), true;
  if (key == "link_error") return read_links(key, v, out.error_links_, in), true;
  if (key == "stamped_headers") return true;
  if (key == "ignore_result") {
    bool on = false;
    in.boolean(key, v, on);
    return out.ignore_result(on), true;
  }
  if (key != "task_id") return false;
  std::string id;
  in.name(key, v, id);
  return out.id(task_id{std::move(id)}), true;
}

// Each stamp stands among the options under its own name.
void option_reader::read(value::map& options) {
  if (auto const* names = lovage::find(options, "stamped_headers"))
    if (auto const* list = names->get_if<value::list>()) stamps = *list;
  for (auto& [key, v] : options) {
    if (std::find(stamps.begin(), stamps.end(), value{key}) != stamps.end()) {
      out.stamps_.push_back({key, v.is<value::list>() ? v : value{value::list{v}}});
      continue;
    }
    if (v.is_null() || std::find(passed_over.begin(), passed_over.end(), key) != passed_over.end()) continue;
    if (text_option(key, v) || time_option(key, v) || other_option(key, v)) continue;
    in.refuse(key, "is no option of a call");
  }
}

}  // namespace

expected<raw_call> call_of_signature(wire::signature s) {
  using enum wire::signature_kind;
  auto const kind = s.kind();
  if (kind != task && kind != map && kind != starmap)
    return fail(errc::invalid_argument, "a workflow stands where one task is wanted", s.task);
  raw_call out;
  out.task = std::move(s.task);
  out.count = s.args.size();
  packer args;
  for (auto const& a : s.args) args.any(a);
  out.packed_args = std::move(args).out();
  out.kwargs = std::move(s.kwargs);
  out.immutable = s.immutable;
  option_reader read{out.options};
  read.read(s.options);
  if (!read.in.ok()) return fail(read.in.take_error());
  return out;
}

}  // namespace lovage::detail
