#include "app/signature_message.hpp"

#include "app/retry.hpp"
#include "core/ids.hpp"
#include "wire/fields.hpp"

#include <lovage/pack.hpp>

#include <algorithm>
#include <utility>

namespace lovage::detail {
namespace {

using wire::fields;
using wire::signature;

// What `expires` may be: seconds from now, or a moment.
void read_expiry(value const& v, time_point now, std::optional<datetime>& out, fields& in) {
  if (!v.is<double>() && !v.is<std::int64_t>()) return in.time("expires", v, out);
  std::optional<double> seconds;
  in.number("expires", v, seconds);
  if (seconds) out = datetime::from(later(now, *seconds));
}

// One signature or a list of them.
void read_calls(std::string_view key, value& v, value::list& out, fields& in) {
  if (v.is_null()) return;
  if (v.is<value::map>()) return out.push_back(std::move(v));
  in.list(key, v, out);
  for (auto const& item : out)
    if (!item.is<value::map>()) return in.wrong_kind(key, item, "signatures (maps) only");
}

void read_delivery_mode(value const& v, wire::properties& out, fields& in) {
  if (auto const* name = v.get_if<std::string>()) {
    out.delivery_mode = *name == "transient" ? 1 : 2;
    return;
  }
  std::optional<std::int64_t> mode;
  in.integer("delivery_mode", v, mode);
  if (mode) out.delivery_mode = *mode == 1 ? 1 : 2;
}

struct call_reader {
  addressed_call& call;
  time_point now;
  fields in{"signature.options", "option"};
  std::optional<double> countdown = {};
  std::optional<std::int64_t> priority = {};
  std::optional<std::string> queue = {}, exchange = {}, routing_key = {}, argsrepr = {}, kwargsrepr = {};
  value::list stamps = {};

  void read(value::map& options);
  void read_message(std::string_view key, value& v);
  void read_address(std::string_view key, value& v);
  void read_embed(std::string_view key, value& v);
  void read_nesting(value const& v);
};

// Who calls it and what comes after it.
void call_reader::read_embed(std::string_view key, value& v) {
  auto& m = call.message;
  if (key == "link") return read_calls(key, v, m.embed.callbacks, in);
  if (key == "link_error") return read_calls(key, v, m.embed.errbacks, in);
  if (key == "chain" && !v.is_null()) return read_calls(key, v, m.embed.chain.emplace(), in);
  if (key == "chord" && v.is<value::map>()) m.embed.chord = std::move(v);
  if (key == "group_id") return in.text(key, v, m.group);
  if (key == "group_index") return in.integer(key, v, m.group_index);
  if (key == "root_id") return in.text(key, v, m.root_id);
  if (key == "parent_id") return in.text(key, v, m.parent_id);
  if (key == "stamped_headers" && !v.is_null()) in.list(key, v, stamps);
}

void call_reader::read_address(std::string_view key, value& v) {
  auto& m = call.message;
  if (key == "queue") return in.text(key, v, queue);
  if (key == "exchange") return in.text(key, v, exchange);
  if (key == "routing_key") return in.text(key, v, routing_key);
  if (key == "priority") return in.integer(key, v, priority);
  if (key == "delivery_mode") return read_delivery_mode(v, m.properties, in);
  if (key == "reply_to" && !v.is_null()) return in.text(key, v, m.properties.reply_to);
  if (key == "serializer" && !v.is_null()) return in.name(key, v, call.encoding.serializer);
  if (key == "compression" && !v.is_null()) return in.text(key, v, call.encoding.compression);
  read_embed(key, v);
}

// A table in the shape of a chain: one line an option. Unknown ones (`retry`, `retry_policy`) are the sender's own.
void call_reader::read_message(std::string_view key, value& v) {
  auto& m = call.message;
  if (key == "task_id" && !v.is_null()) {
    std::string id;
    in.name(key, v, id);
    m.id = task_id{std::move(id)};
    return;
  }
  if (key == "countdown") return in.number(key, v, countdown);
  if (key == "eta") return in.time(key, v, m.eta);
  if (key == "expires") return read_expiry(v, now, m.expires, in);
  if (key == "headers" && !v.is_null()) return in.map(key, v, m.extra_headers);
  if (key == "time_limit") return in.number(key, v, m.hard_limit_s);
  if (key == "soft_time_limit") return in.number(key, v, m.soft_limit_s);
  if (key == "shadow") return in.text(key, v, m.shadow);
  if (key == "ignore_result" && !v.is_null()) return in.boolean(key, v, m.ignore_result);
  if (key == "argsrepr") return in.text(key, v, argsrepr);
  if (key == "kwargsrepr") return in.text(key, v, kwargsrepr);
  if (key == "replaced_task_nesting" && !v.is_null()) return read_nesting(v);
  read_address(key, v);
}

void call_reader::read_nesting(value const& v) {
  std::optional<std::int64_t> n;
  in.integer("replaced_task_nesting", v, n);
  call.message.replaced_task_nesting = n.value_or(0);
}

void call_reader::read(value::map& options) {
  for (auto& item : options) read_message(item.key, item.val);
  auto& m = call.message;
  for (auto const& name : stamps) {  // each stamp stands among the options under its own name
    auto const* key = name.get_if<std::string>();
    auto const* stamp = key ? find(options, *key) : nullptr;
    if (stamp) m.stamps.push_back({*key, stamp->is<value::list>() ? *stamp : value{value::list{*stamp}}});
  }
  m.stamped_headers = std::move(stamps);
  if (countdown && *countdown != 0) m.eta = datetime::from(later(now, *countdown));
}

// What the rules say of a call that does not say it itself.
expected<void> address_by_rules(addressed_call& call, call_reader& read, routing const& where) {
  auto const& m = call.message;
  packer args;
  for (auto const& a : m.args) args.any(a);
  raw_call as_call;
  as_call.task = m.task;
  as_call.count = m.args.size();
  as_call.packed_args = std::move(args).out();
  as_call.kwargs = m.kwargs;
  if (auto ok = where.complete(as_call); !ok) return ok;
  auto to = where.address(as_call.options);
  if (!to) return fail(to.error());
  call.queue = std::move(to->queue);
  call.exchange = std::move(to->exchange);
  call.routing_key = std::move(to->routing_key);
  if (!read.priority && as_call.options.priority_) read.priority = *as_call.options.priority_;
  return {};
}

// An exchange needs its key; with one of them only, Celery sends to the queue (wire-format 2.1).
expected<void> address(addressed_call& call, call_reader& read, publish_settings const& settings) {
  if (read.exchange && read.routing_key && !read.exchange->empty() && !read.routing_key->empty()) {
    call.exchange = *std::move(read.exchange);
    call.routing_key = *std::move(read.routing_key);
  } else if (read.queue && !read.queue->empty()) {
    call.queue = queue_name{*std::move(read.queue)};
  } else if (settings.where.has_rules()) {
    return address_by_rules(call, read, settings.where);
  } else {
    call.queue = queue_name{settings.where.default_queue()};
  }
  return {};
}

void settle_place(wire::task_message& m, workflow_place&& place) {
  if (m.id.empty()) m.id = new_task_id();
  m.root_id = place.root_id.empty() ? m.id.str() : std::move(place.root_id);
  m.parent_id.reset();
  if (!place.parent_id.empty()) m.parent_id = std::move(place.parent_id);
  if (place.group) m.group = std::move(place.group), m.group_index = place.group_index;
}

}  // namespace

expected<addressed_call> call_of(signature s, workflow_place place, publish_settings const& settings, time_point now) {
  addressed_call call;
  call.encoding = {settings.serializer, settings.compression, false};
  auto& m = call.message;
  m.ignore_result = settings.ignore_result;
  m.properties.delivery_mode = static_cast<std::uint8_t>(settings.mode);
  call_reader read{call, now};
  read.read(s.options);
  if (!read.in.ok()) return fail(read.in.take_error());
  m.task = std::move(s.task);
  m.args = std::move(s.args);
  m.kwargs = std::move(s.kwargs);
  m.argsrepr = read.argsrepr ? *std::move(read.argsrepr) : wire::args_repr(m.args);
  m.kwargsrepr = read.kwargsrepr ? *std::move(read.kwargsrepr) : wire::kwargs_repr(m.kwargs);
  m.origin = settings.origin;
  if (auto ok = address(call, read, settings); !ok) return fail(ok.error());
  auto const inherited = place.priority ? place.priority : settings.default_priority;
  m.properties.priority =
      static_cast<int>(std::clamp<std::int64_t>(read.priority.value_or(inherited.value_or(0)), 0, 255));
  settle_place(m, std::move(place));
  m.properties.correlation_id = m.id.str();
  return call;
}

expected<broker::outgoing> outgoing_of(addressed_call&& call) {
  auto out = outgoing_of(call.message, std::move(call.queue), call.encoding);
  if (!out) return out;
  out->exchange = std::move(call.exchange);
  out->routing_key = std::move(call.routing_key);
  return out;
}

}  // namespace lovage::detail
