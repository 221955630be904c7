#include "web/sending.hpp"

#include "web/views.hpp"
#include "wire/result_record.hpp"

#include <cmath>
#include <map>

namespace lovage::web {
namespace {

using option_setter = void (*)(call_options&, std::string const& name, value const&);

[[noreturn]] void refuse(std::string const& name, char const* what) {
  throw error{errc::invalid_argument, "'" + name + "' must be " + what, name};
}

std::string word(std::string const& name, value const& v) {
  auto const* text = v.get_if<std::string>();
  if (!text || text->empty()) refuse(name, "a text");
  return *text;
}

call_options::seconds span(std::string const& name, value const& v) {
  auto const n = number_of(value::map{{name, v}}, name);
  if (!n || !std::isfinite(*n) || std::fabs(*n) > 1e10) refuse(name, "a number of seconds");
  return call_options::seconds{*n};
}

time_point moment(std::string const& name, value const& v) {
  if (!v.is<std::string>()) return time_of(span(name, v).count());
  auto text = word(name, v);
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
  auto const at = wire::parse_iso(text);
  if (!at) refuse(name, "a moment such as 2026-11-30T14:00:00");
  return at->to_time_point();
}

void set_expires(call_options& o, std::string const& name, value const& v) {
  if (v.is<std::string>()) {
    o.expires_at(moment(name, v));
  } else {
    o.expires(span(name, v));
  }
}

void set_priority(call_options& o, std::string const& name, value const& v) {
  auto const* n = v.get_if<std::int64_t>();
  if (!n || *n < 0 || *n > 9) refuse(name, "0 to 9");
  o.priority(static_cast<int>(*n));
}

void set_headers(call_options& o, std::string const& name, value const& v) {
  auto const* all = v.get_if<value::map>();
  if (!all) refuse(name, "a map");
  for (auto const& [key, each] : *all) o.header(key, each);
}

void set_ignored(call_options& o, std::string const& name, value const& v) {
  auto const* flag = v.get_if<bool>();
  if (!flag) refuse(name, "true or false");
  o.ignore_result(*flag);
}

std::map<std::string, option_setter, std::less<>> const& option_setters() {
  static std::map<std::string, option_setter, std::less<>> const all{
      {"queue", [](auto& o, auto& n, auto& v) { o.queue(word(n, v)); }},
      {"exchange", [](auto& o, auto& n, auto& v) { o.exchange(word(n, v)); }},
      {"routing_key", [](auto& o, auto& n, auto& v) { o.routing_key(word(n, v)); }},
      {"task_id", [](auto& o, auto& n, auto& v) { o.id(task_id{word(n, v)}); }},
      {"serializer", [](auto& o, auto& n, auto& v) { o.serializer(word(n, v)); }},
      {"compression", [](auto& o, auto& n, auto& v) { o.compression(word(n, v)); }},
      {"shadow", [](auto& o, auto& n, auto& v) { o.shadow(word(n, v)); }},
      {"countdown", [](auto& o, auto& n, auto& v) { o.countdown(span(n, v)); }},
      {"time_limit", [](auto& o, auto& n, auto& v) { o.time_limit(span(n, v)); }},
      {"soft_time_limit", [](auto& o, auto& n, auto& v) { o.soft_time_limit(span(n, v)); }},
      {"eta", [](auto& o, auto& n, auto& v) { o.eta(moment(n, v)); }},
      {"expires", set_expires},
      {"priority", set_priority},
      {"headers", set_headers},
      {"ignore_result", set_ignored}};
  return all;
}

}  // namespace

call_options options_of(value::map const& given) {
  call_options out;
  for (auto const& [name, v] : given) {
    if (v.is_null()) continue;
    auto const at = option_setters().find(name);
    if (at == option_setters().end()) throw error{errc::invalid_argument, "a call has no option '" + name + "'", name};
    at->second(out, name, v);
  }
  return out;
}

sending sending_of(value::map body) {
  sending out;
  for (auto& [name, v] : body) {
    if (name == "args") {
      auto* list = v.get_if<value::list>();
      if (!list && !v.is_null()) throw error{errc::invalid_argument, "args must be an array", "args"};
      if (list) out.args = std::move(*list);
    } else if (name == "kwargs") {
      auto* map = v.get_if<value::map>();
      if (!map && !v.is_null()) throw error{errc::invalid_argument, "kwargs must be an object", "kwargs"};
      if (map) out.kwargs = std::move(*map);
    } else {
      out.options.push_back({name, std::move(v)});
    }
  }
  return out;
}

}  // namespace lovage::web
