// One call of `publisher::publish`: its messages and what became of them. Private to the publisher.
#pragma once

#include "broker/amqp/publisher.hpp"

#include <optional>

namespace lovage::broker::amqp {

/// What decides where a message goes, copied out of it.
struct publisher::address {
  queue_name queue;
  std::string exchange, routing_key;
  bool must_route = true;
  std::optional<time_point> due;
  letter::way how = letter::way::declared;
  std::string exchange_type = {};
};

struct publisher::job {
  std::span<outgoing const> plain;  ///< the caller's: not to be looked at once abandoned
  std::vector<letter> letters;
  std::function<void(expected<void> const&)> on_done;

  std::mutex mutex;  // guards what follows, and the use of `plain`
  std::condition_variable changed;
  std::size_t left = 0;
  bool abandoned = false;
  std::optional<std::pair<std::size_t, error_info>> fault;  ///< of the first message that failed
  std::optional<error_info> refusal;                        ///< of a message that is tried again

  [[nodiscard]] std::size_t size() const noexcept { return letters.empty() ? plain.size() : letters.size(); }
  [[nodiscard]] outgoing const& at(std::size_t index) const {
    return letters.empty() ? plain[index] : letters[index].what;
  }
  [[nodiscard]] value::map const* added(std::size_t index) const {
    return letters.empty() ? nullptr : &letters[index].added;
  }
  [[nodiscard]] address address_of(std::size_t index) const {
    auto const& m = at(index);
    auto const how = letters.empty() ? letter::way::declared : letters[index].how;
    return {m.queue, m.exchange, m.routing_key, m.must_route, m.due, how, m.exchange_type};
  }

  /// One message is done, well or not.
  void finish(std::size_t index, std::optional<error_info> why) {
    bool last = false;
    {
      std::lock_guard const lock{mutex};
      if (why && (!fault || index < fault->first)) fault.emplace(index, *std::move(why));
      last = --left == 0;
    }
    if (last) tell();
  }
  void fail_all(error_info const& why) {
    {
      std::lock_guard const lock{mutex};
      fault.emplace(0, why);
      left = 0;
    }
    tell();
  }

 private:
  void tell() {
    changed.notify_all();
    if (!on_done) return;
    on_done(fault ? expected<void>{fail(fault->second)} : expected<void>{});
    on_done = nullptr;
  }
};

}  // namespace lovage::broker::amqp
