#include "broker/redis/element.hpp"
#include "broker/redis/parts.hpp"
#include "broker/redis/router.hpp"
#include "core/deadline_mutex.hpp"
#include "core/ids.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto declared_for = 60s;                  // the server may have lost what it knew
constexpr std::size_t largest_batch = 400'000'000;  // bytes; the server ends a connection that sends 1 GB at once

/// One batch as the script takes it. Texts live in `store`, which never moves them.
class batch {
 public:
  std::string_view keep(std::string text) {
    bytes_ += text.size();
    return store_.emplace_back(std::move(text));
  }
  void push(std::string list, bool reply, std::string element) {
    auto& lists = reply ? reply_lists_ : lists_;
    auto at = std::find_if(lists.begin(), lists.end(), [&](auto const& l) { return l.first == list; });
    if (at == lists.end()) at = lists.insert(lists.end(), {std::move(list), {}});
    at->second.push_back(keep(std::move(element)));
  }
  void add(std::initializer_list<std::string_view> words) { others_.insert(others_.end(), words); }
  /// All arguments behind the number of the batch.
  std::vector<std::string_view> arguments(std::string_view number) {
    std::vector<std::string_view> out{number};
    append("L", lists_, out);
    append("E", reply_lists_, out);
    out.insert(out.end(), others_.begin(), others_.end());
    return out;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  std::vector<outgoing const*> published;  ///< in the order of the answer
  bool only_events = true;                 ///< nothing but news to whoever listens

  /// For such: what a script would only copy.
  [[nodiscard]] rd::commands as_commands() const {
    rd::commands out;
    out.reserve(bytes_ + 64 * others_.size());
    for (std::size_t i = 0; i + 2 < others_.size(); i += 3) out.add({"PUBLISH", others_[i + 1], others_[i + 2]});
    return out;
  }

 private:
  using lists = std::vector<std::pair<std::string, std::vector<std::string_view>>>;
  void append(std::string_view what, lists const& of, std::vector<std::string_view>& out) {
    for (auto const& [list, elements] : of) {
      out.insert(out.end(), {what, list, keep(std::to_string(elements.size()))});
      out.insert(out.end(), elements.begin(), elements.end());
    }
  }
  lists lists_, reply_lists_;
  std::vector<std::string_view> others_;
  std::deque<std::string> store_;
  std::size_t bytes_ = 0;
};

failure nobody_takes(outgoing const& m) {
  return fail(errc::unavailable,
              "no queue takes a message to exchange '" + m.exchange + "' with key '" + m.routing_key +
                  "'; is a worker running that consumes from it?",
              m.exchange);
}

class redis_producer final : public producer {
 public:
  explicit redis_producer(std::shared_ptr<shared> on)
      : on_{std::move(on)},
        client_{on_->client->clone()},
        key_{on_->names.key("lovage.producer." + random_uuid().str())},
        router_{*on_} {}
  expected<void> publish(std::span<outgoing const> messages, deadline until) override;

 private:
  [[nodiscard]] expected<void> add(outgoing const& m, batch& to, deadline until);
  [[nodiscard]] expected<void> add_to_queue(outgoing const& m, batch& to);
  [[nodiscard]] expected<void> add_to_exchange(outgoing const& m, batch& to, deadline until);
  [[nodiscard]] expected<void> find_queues(outgoing const& m, std::vector<std::string>& out, deadline until);
  [[nodiscard]] expected<void> add_to_channel(outgoing const& m, std::string const& exchange, std::string const& key,
                                              batch& to);
  void declare(queue_spec const& queue, batch& to);
  [[nodiscard]] expected<void> send(batch& what, deadline until);
  [[nodiscard]] expected<queue_spec const*> spec_of(queue_name const& name);

  std::shared_ptr<shared> on_;
  std::unique_ptr<rd::client> client_;
  std::string const key_;
  deadline_mutex mutex_;  // guards what follows
  std::uint64_t number_ = 0;
  router router_;
  std::unordered_map<std::string, queue_spec> specs_;
  std::unordered_set<std::string> declared_;
  steady::time_point declared_since_{};
};

expected<queue_spec const*> redis_producer::spec_of(queue_name const& name) {
  auto const at = specs_.find(name.str());
  if (at != specs_.end()) return static_cast<queue_spec const*>(&at->second);
  auto made = on_->with.queues.find(name);
  if (!made) return fail(made.error());
  return static_cast<queue_spec const*>(&specs_.emplace(name.str(), *std::move(made)).first->second);
}

void redis_producer::declare(queue_spec const& queue, batch& to) {
  if (!declared_.insert(queue.name.str()).second) return;
  if (!queue.exchange.empty())
    to.add({"S", to.keep(on_->names.bindings(queue.exchange)), to.keep(on_->names.write(layout::binding_of(queue)))});
  to.add({"S", on_->key.queues, to.keep(queue.name.str())});
}

expected<void> redis_producer::add_to_channel(outgoing const& m, std::string const& exchange, std::string const& key,
                                              batch& to) {
  auto element = write_element(m, exchange, key);
  if (!element) return fail(element.error());
  to.add({"P", to.keep(on_->names.channel(exchange, key)), to.keep(*std::move(element))});
  to.published.push_back(&m);
  return {};
}

// A message with an eta in its headers goes to its list at once: perhaps only Python listens there, which holds it. One
// without can be held by lovage alone.
expected<void> redis_producer::add_to_queue(outgoing const& m, batch& to) {
  auto const& name = m.queue.str();
  if (m.must_route) {
    auto const spec = spec_of(m.queue);
    if (!spec) return fail(spec.error());
    if ((*spec)->broadcast || (*spec)->exchange_type == "fanout")
      return add_to_channel(m, (*spec)->exchange, (*spec)->routing_key, to);
    declare(**spec, to);
  }
  auto element = write_element(m, "", name);
  if (!element) return fail(element.error());
  auto const priority = std::clamp(m.priority, 0, 9);
  auto list = on_->names.list(name, priority);
  auto const* eta = find(m.envelope.headers, "eta");
  bool const held_by_anybody = eta && !eta->is_null();
  if (!m.due || held_by_anybody || *m.due <= on_->with.now()) {
    to.push(std::move(list), !m.must_route, *std::move(element));
  } else {
    auto const due = std::to_string(m.due->time_since_epoch().count());
    auto const member = delayed_head(random_uuid().str(), name, list) + *element;
    to.add({"Z", to.keep(due), to.keep(name), to.keep(member)});
  }
  return {};
}

expected<void> redis_producer::find_queues(outgoing const& m, std::vector<std::string>& out, deadline until) {
  if (!m.must_route) {  // an answer, as a rule
    auto box = router_.mailbox(m.exchange, m.routing_key, *client_, until);
    if (!box) return fail(box.error());
    if (*box) return out.push_back(**std::move(box)), expected<void>{};
  }
  auto found = router_.queues(m.exchange, m.routing_key, *client_, until);
  if (!found) return fail(found.error());
  out = *std::move(found);
  return {};
}

expected<void> redis_producer::add_to_exchange(outgoing const& m, batch& to, deadline until) {
  bool const broadcast = !m.exchange_type.empty() && m.exchange_type != "direct";
  if (broadcast || on_->is_channel(m.exchange)) return add_to_channel(m, m.exchange, m.routing_key, to);
  std::vector<std::string> reached;
  if (m.exchange.empty()) {
    reached.push_back(m.routing_key);
  } else if (auto done = find_queues(m, reached, until); !done) {
    return done;
  }
  if (reached.empty() && m.must_route) return nobody_takes(m);
  for (auto const& q : reached) {
    auto element = write_element(m, m.exchange, m.routing_key);
    if (!element) return fail(element.error());
    to.push(on_->names.list(q, std::clamp(m.priority, 0, 9)), !m.must_route, *std::move(element));
  }
  return {};
}

expected<void> redis_producer::add(outgoing const& m, batch& to, deadline until) {
  to.only_events = to.only_events && m.queue.empty() && !m.must_route && m.exchange_type == "topic";
  return m.queue.empty() ? add_to_exchange(m, to, until) : add_to_queue(m, to);
}

expected<void> redis_producer::send(batch& what, deadline until) {
  if (what.only_events) {
    auto const said = client_->run(what.as_commands(), rd::repeat::yes, until);
    if (!said) return fail(said.error());
    for (auto const& r : *said)
      if (r.is_error()) return fail(rd::to_error(r));
    return {};
  }
  auto const number = std::to_string(++number_);
  auto const said = client_->eval(all_scripts().publish, {key_, on_->key.delayed, on_->key.counts},
                                  what.arguments(number), rd::repeat::yes, until);
  if (!said) return fail(said.error());
  for (std::size_t i = 0; i < what.published.size() && i < said->items.size(); ++i)
    if (said->items[i].integer == 0 && what.published[i]->must_route) return nobody_takes(*what.published[i]);
  return {};
}

expected<void> redis_producer::publish(std::span<outgoing const> messages, deadline until) {
  if (messages.empty()) return {};
  auto const owned = mutex_.acquire(until);
  if (!owned) return fail(errc::timeout, "another thread is still sending over this producer");
  if (steady::now() - declared_since_ > declared_for) declared_.clear(), declared_since_ = steady::now();
  batch all;
  expected<void> done;
  for (auto const& m : messages)
    if (done = add(m, all, until); !done) break;
  if (done && all.bytes() > largest_batch)
    done = fail(errc::invalid_argument, "these messages are too large to be sent at once; send fewer at a time");
  if (done) done = send(all, until);
  if (!done) declared_.clear();
  return done;
}

}  // namespace

std::unique_ptr<producer> make_producer(std::shared_ptr<shared> on) {
  return std::make_unique<redis_producer>(std::move(on));
}

}  // namespace lovage::broker::redis_broker
