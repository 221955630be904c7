// Reading `broker_transport_options`.
#include "broker/redis/layout.hpp"
#include "core/log.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace lovage::broker::redis_broker {
namespace {

// Of kombu and redis-py, or read by the client: they change nothing here, and are no mistake.
constexpr std::array<std::string_view, 26> without_effect{"master_name",
                                                          "sentinel_kwargs",
                                                          "min_other_sentinels",
                                                          "socket_timeout",
                                                          "socket_connect_timeout",
                                                          "socket_keepalive",
                                                          "socket_keepalive_options",
                                                          "retry_on_timeout",
                                                          "max_connections",
                                                          "health_check_interval",
                                                          "client_name",
                                                          "polling_interval",
                                                          "unacked_restore_limit",
                                                          "unacked_restore_interval",
                                                          "unacked_restore_throttle",
                                                          "connection_kwargs",
                                                          "retry_policy",
                                                          "max_retries",
                                                          "interval_start",
                                                          "interval_step",
                                                          "interval_max",
                                                          "errback",
                                                          "recover_args",
                                                          "max_retries_per_request",
                                                          "confirm_publish",
                                                          "queue_name_prefix"};

failure wrong(std::string const& name, char const* wanted, value const& got) {
  return fail(errc::bad_config,
              std::string{"the transport option is "} + wanted + ", got " + got.kind() + "; correct it or leave it out",
              "broker_transport_options." + name);
}

std::optional<double> number(value const& v) {
  if (auto const* i = v.get_if<std::int64_t>()) return static_cast<double>(*i);
  if (auto const* d = v.get_if<double>()) return *d;
  return std::nullopt;
}

expected<void> read_text(std::string const& name, value const& v, std::string& out) {
  auto const* s = v.get_if<std::string>();
  if (s == nullptr) return wrong(name, "text", v);
  out = *s;
  return {};
}

expected<void> read_key(std::string const& name, value const& v, std::string& out) {
  if (auto read = read_text(name, v, out); !read) return read;
  if (out.empty()) return fail(errc::bad_config, "the transport option is empty", "broker_transport_options." + name);
  return {};
}

template <class Duration>
expected<void> read_seconds(std::string const& name, value const& v, Duration& out) {
  auto const n = number(v);
  if (!n || !(*n > 0) || *n > 1e9) return wrong(name, "a number of seconds above zero", v);
  out = std::chrono::ceil<Duration>(std::chrono::duration<double>{*n});
  return {};
}

expected<void> read_steps(std::string const& name, value const& v, std::vector<int>& out) {
  auto const* l = v.get_if<value::list>();
  if (l == nullptr || l->empty()) return wrong(name, "a list of numbers from 0 to 9", v);
  out.clear();
  for (auto const& item : *l) {
    auto const* i = item.get_if<std::int64_t>();
    if (i == nullptr || *i < 0 || *i > 9) return wrong(name, "a list of numbers from 0 to 9", item);
    out.push_back(static_cast<int>(*i));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return {};
}

expected<void> read_fanout_prefix(std::string const& name, value const& v, std::string& out) {
  if (auto const* on = v.get_if<bool>()) return out = *on ? "/{db}." : "", expected<void>{};
  if (!v.is<std::string>()) return wrong(name, "true, false or a text such as /{db}.", v);
  return read_text(name, v, out);
}

expected<void> read_flag(std::string const& name, value const& v, bool& out) {
  auto const* on = v.get_if<bool>();
  if (on == nullptr) return wrong(name, "true or false", v);
  out = *on;
  return {};
}

expected<void> read_queue_order(std::string const& name, value const& v, options& out) {
  std::string text;
  if (auto read = read_text(name, v, text); !read) return read;
  if (text == "round_robin") return out.queue_order = options::order::round_robin, expected<void>{};
  if (text == "sorted") return out.queue_order = options::order::sorted, expected<void>{};
  if (text == "priority") return out.queue_order = options::order::given, expected<void>{};
  return fail(errc::bad_config, "the transport option is round_robin, sorted or priority, got '" + text + "'",
              "broker_transport_options." + name);
}

expected<void> read_priority_order(std::string const& name, value const& v, bool& out) {
  std::string text;
  if (auto read = read_text(name, v, text); !read) return read;
  if (text != "celery" && text != "lovage")
    return fail(errc::bad_config,
                "the transport option is celery (0 is served first) or lovage (9 is), got '" + text + "'",
                "broker_transport_options." + name);
  out = text == "celery";
  return {};
}

// A table of names; longer than most functions.
expected<void> read_one(std::string const& name, value const& v, options& out) {
  if (name == "priority_steps") return read_steps(name, v, out.priority_steps);
  if (name == "sep") return read_key(name, v, out.sep);
  if (name == "global_keyprefix") return read_text(name, v, out.global_keyprefix);
  if (name == "unacked_key") return read_key(name, v, out.unacked_key);
  if (name == "unacked_index_key") return read_key(name, v, out.unacked_index_key);
  if (name == "unacked_mutex_key") return read_key(name, v, out.unacked_mutex_key);
  if (name == "unacked_mutex_expire") return read_seconds(name, v, out.unacked_mutex_expire);
  if (name == "fanout_prefix") return read_fanout_prefix(name, v, out.fanout_prefix);
  if (name == "fanout_patterns") return read_flag(name, v, out.fanout_patterns);
  if (name == "visibility_timeout") return read_seconds(name, v, out.visibility_timeout);
  if (name == "queue_order_strategy") return read_queue_order(name, v, out);
  if (name == "lovage_lease") return read_seconds(name, v, out.lovage_lease);
  if (name == "priority_order") return read_priority_order(name, v, out.lowest_first);
  if (std::find(without_effect.begin(), without_effect.end(), name) == without_effect.end())
    log::warning("broker_transport_options." + name + " is not known for Redis and has no effect");
  return {};
}

}  // namespace

expected<options> read_options(value::map const& from) {
  options out;
  for (auto const& [name, v] : from) {
    if (v.is_null()) continue;
    if (auto read = read_one(name, v, out); !read) return fail(read.error());
  }
  return out;
}

}  // namespace lovage::broker::redis_broker
