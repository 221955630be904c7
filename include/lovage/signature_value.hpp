// Calls as the data that Celery makes of them, header-only because plug-ins need it (wire-format 3.1 to 3.3).
#pragma once

#include <lovage/error.hpp>
#include <lovage/task.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lovage::detail {

/// "2026-11-23T12:00:00.250000+00:00", as Python writes it.
[[nodiscard]] inline std::string iso_text(time_point at) {
  auto const day = std::chrono::floor<std::chrono::days>(at);
  std::chrono::year_month_day const date{day};
  auto const us = (at - day).count();
  auto const s = us / 1'000'000;
  char text[64];
  auto const n = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02lld:%02lld:%02lld", static_cast<int>(date.year()),
                               static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                               static_cast<long long>(s / 3600), static_cast<long long>(s / 60 % 60),
                               static_cast<long long>(s % 60));
  std::string out{text, static_cast<std::size_t>(n)};
  if (us % 1'000'000 == 0) return out + "+00:00";
  std::snprintf(text, sizeof text, ".%06lld+00:00", static_cast<long long>(us % 1'000'000));
  return out + text;
}

/// Sets a member of a map, in its place when it is there.
inline void set_member(value::map& to, std::string_view key, value v) {
  for (auto& item : to) {
    if (item.key != key) continue;
    item.val = std::move(v);
    return;
  }
  to.push_back({std::string{key}, std::move(v)});
}

/// *On failure*: throws `error{invalid_argument}`, which says what this call cannot be.
inline void check_call(raw_call const& call) {
  auto const& o = call.options;
  auto const refuse = [](std::string why) { throw error{errc::invalid_argument, std::move(why)}; };
  if (call.task.empty()) throw error{errc::invalid_argument, "a task needs a name", "task"};
  if (o.priority_ && (*o.priority_ < 0 || *o.priority_ > 9))
    refuse("priority " + std::to_string(*o.priority_) + " is not between 0 and 9; 9 is served first");
  if (o.countdown_ && o.eta_) refuse("give countdown or eta, not both");
  if (o.time_limit_ && o.soft_time_limit_ && *o.soft_time_limit_ > *o.time_limit_)
    refuse("soft_time_limit is longer than time_limit");
  if (o.queue_ && o.queue_->empty()) refuse("the queue has no name; leave it out for the default");
  if (o.exchange_ && o.exchange_->empty()) refuse("the exchange has no name; to send to one queue, name the queue");
  if (o.queue_ && o.exchange_) refuse("give a queue or an exchange, not both");
}

[[nodiscard]] value signature_value(raw_call const& call);

/// Beside the other options, each under its own name (wire-format 2.5).
inline void add_stamps(value::map const& stamps, value::map& options) {
  if (stamps.empty()) return;
  value::list names;
  for (auto const& [name, values] : stamps) {
    if (find(options, name))
      throw error{errc::invalid_argument, "the stamp '" + name + "' has the name of an option that is set, too"};
    names.emplace_back(name);
    options.push_back({name, values});
  }
  options.push_back({"stamped_headers", std::move(names)});
}

/// The options that were set, by Celery's names.
[[nodiscard]] inline value::map option_values(call_options const& o) {
  value::map out;
  auto const put = [&](char const* key, auto const& v) {
    if (v) out.push_back({key, value{*v}});
  };
  auto const seconds = [&](char const* key, std::optional<call_options::seconds> v) {
    if (v) out.push_back({key, v->count()});
  };
  if (o.id_) out.push_back({"task_id", o.id_->str()});
  put("queue", o.queue_);
  put("exchange", o.exchange_);
  put("routing_key", o.routing_key_);
  if (o.delivery_mode_) out.push_back({"delivery_mode", static_cast<int>(*o.delivery_mode_)});
  seconds("countdown", o.countdown_);
  if (o.eta_) out.push_back({"eta", iso_text(*o.eta_)});
  seconds("expires", o.expires_in_);
  if (o.expires_at_) set_member(out, "expires", iso_text(*o.expires_at_));
  put("priority", o.priority_);
  put("ignore_result", o.ignore_result_);
  put("serializer", o.serializer_);
  put("compression", o.compression_);
  seconds("time_limit", o.time_limit_);
  seconds("soft_time_limit", o.soft_time_limit_);
  put("shadow", o.shadow_);
  put("argsrepr", o.argsrepr_);
  put("kwargsrepr", o.kwargsrepr_);
  if (!o.headers_.empty()) out.push_back({"headers", o.headers_});
  for (auto const& [key, calls] : {std::pair{"link", &o.links_}, std::pair{"link_error", &o.error_links_}}) {
    value::list list;
    for (auto const& then : *calls) list.push_back(signature_value(*then));
    if (!list.empty()) out.push_back({key, std::move(list)});
  }
  add_stamps(o.stamps_, out);
  return out;
}

/// A signature with every key, in Python's order.
[[nodiscard]] inline value make_signature(std::string task, value::list args, value::map kwargs, value::map options,
                                          value subtask_type, bool immutable) {
  return value{value::map{{"task", std::move(task)},
                          {"args", std::move(args)},
                          {"kwargs", std::move(kwargs)},
                          {"options", std::move(options)},
                          {"subtask_type", std::move(subtask_type)},
                          {"immutable", immutable}}};
}

/// The positional arguments. *On failure*: throws `error{decode}`.
[[nodiscard]] inline value::list unpack_arguments(raw_call const& call) {
  unpacker in{call.packed_args};
  value::list out;
  out.reserve(call.count);
  for (std::size_t i = 0; i < call.count; ++i) out.push_back(in.any());
  return out;
}

/// *On failure*: throws `error`: `invalid_argument`, `decode`.
inline value signature_value(raw_call const& call) {
  if (!call.workflow.is_null()) return call.workflow;
  check_call(call);
  return make_signature(call.task, unpack_arguments(call), call.kwargs, option_values(call.options), {},
                        call.immutable);
}

}  // namespace lovage::detail
