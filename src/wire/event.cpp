#include "wire/event.hpp"

#include "wire/fields.hpp"
#include "wire/json_members.hpp"
#include "wire/serializer.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace lovage::wire {

namespace {

/// Python logs an event whose clock is no integer and only loses its order.
void read_loosely(value const& v, std::optional<std::int64_t>& out) {
  if (auto const* number = v.get_if<std::int64_t>()) out = *number;
}

// Whole hours up to Celery 5.6, exact ones since.
void read_loosely(value const& v, std::optional<double>& out) {
  if (auto const* number = v.get_if<std::int64_t>()) out = static_cast<double>(*number);
  if (auto const* number = v.get_if<double>(); number && std::isfinite(*number)) out = *number;
}

value hours(double h) {
  bool const whole = std::abs(h) < 1e6 && h == std::trunc(h);
  return whole ? value{static_cast<std::int64_t>(h)} : value{h};
}

void read_member(value::member& item, event& out, fields& in) {
  auto& [key, v] = item;
  if (key == "type") return in.name(key, v, out.type);
  if (key == "hostname") return in.name(key, v, out.hostname);
  if (key == "timestamp") return in.number(key, v, out.timestamp);
  if (key == "utcoffset") return read_loosely(v, out.utcoffset);
  if (key == "pid") return read_loosely(v, out.pid);
  if (key == "clock") return read_loosely(v, out.clock);
  out.fields.push_back(std::move(item));
}

void add(value&& v, std::string const& place, event_batch& out) {
  auto read = event::from_value(std::move(v));
  if (read) {
    out.events.push_back(std::move(*read));
    return;
  }
  auto error = read.error();
  if (!place.empty()) error.where = place + "." + error.where;
  out.refused.push_back(std::move(error));
}

}  // namespace

value event::to_value() const& { return event{*this}.to_value(); }

value event::to_value() && {
  value::map out;
  out.reserve(6 + fields.size());
  out.push_back({"hostname", std::move(hostname)});
  if (utcoffset) out.push_back({"utcoffset", hours(*utcoffset)});
  if (pid) out.push_back({"pid", *pid});
  if (clock) out.push_back({"clock", *clock});
  std::move(fields.begin(), fields.end(), std::back_inserter(out));
  if (auto more = members.empty() ? expected<value>{value{}} : from_json("{" + members + "}"))
    if (auto* m = more->get_if<value::map>()) std::move(m->begin(), m->end(), std::back_inserter(out));
  if (timestamp) out.push_back({"timestamp", *timestamp});
  out.push_back({"type", std::move(type)});
  return out;
}

expected<event> event::from_value(value v) {
  auto* m = v.get_if<value::map>();
  if (m == nullptr) return fail(errc::decode, std::string{"event is "} + v.kind() + ", expected map", "event");
  event out;
  wire::fields in{"event", "event key"};
  for (auto& item : *m) read_member(item, out, in);
  if (out.type.empty()) in.missing("type");
  if (out.hostname.empty()) in.missing("hostname");
  if (!in.ok()) return fail(in.take_error());
  return out;
}

expected<event_batch> to_events(value body) {
  event_batch out;
  if (auto* list = body.get_if<value::list>()) {
    out.events.reserve(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) add(std::move((*list)[i]), "[" + std::to_string(i) + "]", out);
    return out;
  }
  if (!body.is<value::map>())
    return fail(errc::decode, std::string{"event message is "} + body.kind() + ", expected map or list", "body");
  add(std::move(body), {}, out);
  return out;
}

expected<event_batch> decode_events(std::string_view json) {
  auto v = from_json(json);
  if (v) return to_events(std::move(*v));
  auto error = v.error();
  if (error.where.empty()) error.where = "body";
  return fail(std::move(error));
}

namespace {

/// What the events of one sender begin with: written once for a batch.
class beginning {
 public:
  explicit beginning(std::string_view sender) : sender_{sender} {}

  std::string const& of(event const& e) {
    if (last_ && last_->hostname == e.hostname && last_->utcoffset == e.utcoffset && last_->pid == e.pid) return text_;
    last_ = &e;
    text_ = "{";
    json_members to{text_};
    to.text("hostname", e.hostname.empty() ? sender_ : std::string_view{e.hostname});
    if (e.utcoffset && *e.utcoffset == std::trunc(*e.utcoffset))
      to.integer("utcoffset", static_cast<std::int64_t>(*e.utcoffset));
    else if (e.utcoffset)
      to.real("utcoffset", *e.utcoffset);
    if (e.pid) to.integer("pid", *e.pid);
    return text_;
  }

 private:
  std::string_view sender_;
  event const* last_ = nullptr;
  std::string text_;
};

expected<void> append(std::string& out, event const& e, beginning& first) {
  out += first.of(e);
  json_members to{out};
  if (e.clock) to.integer("clock", *e.clock);
  for (auto const& f : e.fields) {
    auto const text = to_json(f.val);
    if (!text) return fail(text.error());
    out += ", ";
    if (!append_json_text(out, f.key)) return fail(errc::encode, "JSON: a field's name is not UTF-8", "event");
    out += ": ";
    out += *text;
  }
  to.add(e.members);
  if (e.timestamp) to.real("timestamp", *e.timestamp);
  to.text("type", e.type);
  out += '}';
  return {};
}

}  // namespace

expected<std::string> encode_event(event const& e) {
  std::string out;
  beginning first{{}};
  if (auto done = append(out, e, first); !done) return fail(done.error());
  return out;
}

expected<std::string> encode_events(std::span<event const> events, std::string_view sender) {
  std::string out = "[";
  out.reserve(events.size() * 384);
  beginning first{sender};
  for (auto const& e : events) {
    if (out.size() > 1) out += ", ";
    if (auto done = append(out, e, first); !done) return fail(done.error());
  }
  out += ']';
  return out;
}

std::string event_routing_key(std::string_view type) {
  std::string out{type};
  std::replace(out.begin(), out.end(), '-', '.');
  return out;
}

}  // namespace lovage::wire
