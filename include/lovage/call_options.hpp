// How one call is sent: Celery's apply_async options.
#pragma once

#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

struct raw_call;

/// Whether a message survives the broker's restart. Brokers that keep everything, or nothing, take no notice.
enum class delivery_mode : std::uint8_t { transient = 1, persistent = 2 };

/// Fluent; what is not set follows the task and the configuration.
class call_options {
 public:
  using seconds = std::chrono::duration<double>;

  /// An id of your own instead of a random UUID. Sending two tasks with one id is the caller's responsibility.
  call_options& id(task_id v) { return id_ = std::move(v), *this; }
  call_options& queue(std::string v) { return queue_ = std::move(v), *this; }
  /// Instead of a queue: to this exchange, and with the routing key to whatever is bound there. Brokers without
  /// exchanges take `task_queues` for what is bound.
  call_options& exchange(std::string v) { return exchange_ = std::move(v), *this; }
  /// Beside an exchange, or beside a queue whose exchange is no direct one.
  call_options& routing_key(std::string v) { return routing_key_ = std::move(v), *this; }
  call_options& delivery_mode(lovage::delivery_mode v) { return delivery_mode_ = v, *this; }
  /// Not before this much from now; zero: at once.
  call_options& countdown(seconds v) { return countdown_ = v, *this; }
  /// Not before this moment.
  call_options& eta(time_point v) { return eta_ = v, *this; }
  /// Not started after this much from now: the result is then REVOKED.
  call_options& expires(seconds v) { return expires_in_ = v, *this; }
  call_options& expires_at(time_point v) { return expires_at_ = v, *this; }
  /// 0-9, 9 is served first.
  call_options& priority(int v) { return priority_ = v, *this; }
  call_options& ignore_result(bool v = true) { return ignore_result_ = v, *this; }
  /// json, msgpack or yaml.
  call_options& serializer(std::string v) { return serializer_ = std::move(v), *this; }
  /// zlib, bzip2, lzma, brotli, zstd.
  call_options& compression(std::string v) { return compression_ = std::move(v), *this; }
  call_options& time_limit(seconds v) { return time_limit_ = v, *this; }
  call_options& soft_time_limit(seconds v) { return soft_time_limit_ = v, *this; }
  /// A name to show instead of the task's.
  call_options& shadow(std::string v) { return shadow_ = std::move(v), *this; }
  /// Texts to show instead of the arguments, to keep secrets out of logs.
  call_options& argsrepr(std::string v) { return argsrepr_ = std::move(v), *this; }
  call_options& kwargsrepr(std::string v) { return kwargsrepr_ = std::move(v), *this; }
  /// A custom header, seen by the task as `self.header(key)`.
  call_options& header(std::string key, value v) { return headers_.push_back({std::move(key), std::move(v)}), *this; }

  /// One value of a stamp, a header by which the task can be revoked together with others (see
  /// `app::revoke_by_stamped_headers`) and which stays with it through retries. Given again: one more value. A name
  /// that options have (`queue`, `task_id`) is not for stamps: where a call is a link, its options and its stamps are
  /// one map.
  call_options& stamp(std::string name, std::string v);

  /// Another call, made with the result of this one put in front once it succeeded. `signature::link` checks the types.
  call_options& link(raw_call then);
  /// Another call, made with this one's id put in front once it failed for good.
  call_options& link_error(raw_call then);

  using calls = std::vector<std::shared_ptr<raw_call const>>;

  calls links_, error_links_;
  std::optional<task_id> id_;
  std::optional<std::string> queue_, exchange_, routing_key_, serializer_, compression_, shadow_, argsrepr_,
      kwargsrepr_;
  std::optional<seconds> countdown_, expires_in_, time_limit_, soft_time_limit_;
  std::optional<time_point> eta_, expires_at_;
  std::optional<int> priority_;
  std::optional<lovage::delivery_mode> delivery_mode_;
  std::optional<bool> ignore_result_;
  value::map headers_;
  value::map stamps_;  ///< name to a list of its values
};

inline call_options& call_options::stamp(std::string name, std::string v) {
  for (auto& s : stamps_)
    if (s.key == name) return s.val.get_if<value::list>()->emplace_back(std::move(v)), *this;
  value::list one;
  one.emplace_back(std::move(v));
  stamps_.push_back({std::move(name), value{std::move(one)}});
  return *this;
}

}  // namespace lovage
