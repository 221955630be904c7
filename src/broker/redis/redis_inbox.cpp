// Replies from a list, broadcasts from a channel: taken for good, so no lease and no `unacked`.
#include "broker/redis/channels.hpp"
#include "broker/redis/element.hpp"
#include "broker/redis/parts.hpp"
#include "io/signal_flag.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto beat_without_heartbeat = 3'000ms;
constexpr auto bound_again = 1h;
constexpr int at_once = 200;

/// What both kinds share: a connection made again for ever, and a sign of life asked for while nothing comes.
class redis_inbox : public inbox {
 public:
  redis_inbox(std::shared_ptr<shared> on)
      : on_{std::move(on)}, like_{on_->client->clone()}, link_{like_->make_link()} {}

  expected<std::vector<wire::envelope>> take(deadline until) override;
  void interrupt() override { interrupted_.raise(); }
  [[nodiscard]] expected<void> ensure(deadline until);

 protected:
  virtual expected<void> set_up(deadline until) = 0;
  /// Asks for something that is answered within a beat, or at once.
  virtual expected<void> ask(deadline until) = 0;
  /// One answer or push.
  virtual expected<void> digest(rd::reply&& said, deadline until) = 0;
  /// How long after an answer the next one is asked for.
  [[nodiscard]] virtual std::chrono::milliseconds quiet() const = 0;
  void add(std::string_view text);
  [[nodiscard]] std::chrono::milliseconds beat() const {
    auto const h = on_->with.connection.heartbeat;
    return h.count() > 0 ? std::max<std::chrono::milliseconds>(h / 3, 1ms) : beat_without_heartbeat;
  }

  std::shared_ptr<shared> on_;
  std::unique_ptr<rd::client> like_;
  std::unique_ptr<rd::connection> over_;
  std::vector<wire::envelope> came_;

 private:
  [[nodiscard]] expected<void> listen(deadline until);
  void lose(error_info why);
  io::signal_flag interrupted_;
  io::link link_;
  std::optional<steady::time_point> asked_;
  steady::time_point answered_{};
  error_info why_{errc::timeout, "no time to connect to Redis", {}};
};

void redis_inbox::add(std::string_view text) {
  if (auto read = read_element(text)) came_.push_back(std::move(read->envelope));  // else: noise, as for kombu
}

void redis_inbox::lose(error_info why) {
  why_ = std::move(why);
  over_.reset();
  asked_.reset();
  link_.lost(steady::now());
}

expected<void> redis_inbox::ensure(deadline until) {
  while (!over_) {
    if (link_.due(steady::now())) {
      auto made = like_->attempt(link_, until);
      if (made) {
        over_ = *std::move(made);
        link_.connected();
        answered_ = steady::now();
        if (auto const done = set_up(until); !done) made = fail(done.error());
      }
      if (!made) lose(made.error());
      if (!made && made.error().code == errc::bad_config) return fail(made.error());
      continue;
    }
    if (until.passed()) return fail(why_);
    if (!io::sleep_until(std::min(link_.due_at(), until.when()), interrupted_.fd())) return fail(why_);
  }
  return {};
}

expected<void> redis_inbox::listen(deadline until) {
  auto const heartbeat = on_->with.connection.heartbeat;
  if (!asked_ && steady::now() >= answered_ + quiet()) {
    if (auto sent = ask(deadline::in(beat())); !sent) return sent;
    asked_ = steady::now();
  }
  auto end = deadline::at(answered_ + quiet());
  if (asked_) end = heartbeat.count() > 0 ? deadline::at(*asked_ + beat() + heartbeat) : deadline::never();
  auto said = over_->receive(until.sooner(end), interrupted_.fd());
  if (said && !*said && asked_ && end.passed())
    return fail(errc::unavailable, "Redis fell silent", over_->where().text());
  while (said && *said) {
    asked_.reset();
    answered_ = steady::now();
    link_.ready();
    if (auto done = digest(**std::move(said), deadline::in(beat() + heartbeat)); !done) return done;
    said = over_->receive(deadline::now());
  }
  return said ? expected<void>{} : fail(said.error());
}

expected<std::vector<wire::envelope>> redis_inbox::take(deadline until) {
  for (;;) {
    bool const stop = interrupted_.take();
    if (!came_.empty()) return std::exchange(came_, {});
    auto done = ensure(stop ? deadline::now() : until);
    if (done) {
      done = listen(stop ? deadline::now() : until);
      if (!done) lose(done.error());
    }
    if (!came_.empty()) return std::exchange(came_, {});
    if (stop) return std::vector<wire::envelope>{};
    if (!until.passed()) continue;
    if (!done) return fail(done.error());
    return std::vector<wire::envelope>{};
  }
}

class list_inbox final : public redis_inbox {
 public:
  list_inbox(std::shared_ptr<shared> on, queue_spec queue) : redis_inbox{std::move(on)}, queue_{std::move(queue)} {
    for (auto const step : on_->names.served()) lists_.push_back(on_->names.list(queue_.name.str(), step));
  }
  ~list_inbox() override {
    rd::commands c;
    c.begin(1 + lists_.size());
    c.word("DEL");
    for (auto const& l : lists_) c.word(l);
    if (!queue_.exchange.empty())
      c.add({"SREM", on_->names.bindings(queue_.exchange), on_->names.write(layout::binding_of(queue_))});
    (void)like_->run(c, rd::repeat::yes, deadline::in(1s));  // else the lists go after a day
  }

 private:
  expected<void> set_up(deadline until) override {
    if (queue_.exchange.empty()) return {};
    bound_ = steady::now();
    rd::commands c;
    on_->bind(queue_, c);
    auto const said = over_->run(c, until.sooner(deadline::in(on_->with.connection.connect_timeout)));
    if (!said) return fail(said.error());
    if (said->front().is_error()) return fail(rd::to_error(said->front()));
    return {};
  }
  expected<void> ask(deadline until) override {
    rd::commands c;
    c.begin(2 + lists_.size());
    c.word("BRPOP");
    for (auto const& l : lists_) c.word(l);
    c.word(std::to_string(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(beat()).count())));
    return over_->send(c, until);
  }
  [[nodiscard]] std::chrono::milliseconds quiet() const override { return 0ms; }
  expected<void> digest(rd::reply&& said, deadline until) override {
    if (said.is_error()) return fail(rd::to_error(said));
    if (said.items.size() != 2) return steady::now() - bound_ < bound_again ? expected<void>{} : set_up(until);
    add(said.items[1].text);
    return take_more(said.items[0].text, until);
  }
  // Nobody else takes from here, and others push to the other end: no need for one step.
  expected<void> take_more(std::string const& list, deadline until) {
    rd::commands c;
    c.add({"LRANGE", list, std::to_string(-at_once), "-1"});
    c.add({"LTRIM", list, "0", std::to_string(-at_once - 1)});
    c.add({"EXPIRE", list, replies_last});
    auto const said = over_->run(c, until);
    if (!said) return fail(said.error());
    for (auto const& r : *said)
      if (r.is_error()) return fail(rd::to_error(r));
    auto const& texts = said->front().items;
    for (auto at = texts.rbegin(); at != texts.rend(); ++at) add(at->text);
    return {};
  }

  queue_spec const queue_;
  std::vector<std::string> lists_;
  steady::time_point bound_{};
};

class channel_inbox final : public redis_inbox {
 public:
  channel_inbox(std::shared_ptr<shared> on, queue_spec const& queue)
      : redis_inbox{std::move(on)}, pattern_{on_->names.channel_pattern(queue.exchange, queue.routing_key)} {}

 private:
  expected<void> set_up(deadline until) override {
    rd::commands c;
    subscribe(pattern_, c);
    auto const said = over_->run(c, until.sooner(deadline::in(on_->with.connection.connect_timeout)));
    if (!said) return fail(said.error());
    if (said->front().is_error()) return fail(rd::to_error(said->front()));
    return {};
  }
  expected<void> ask(deadline until) override {
    rd::commands c;
    c.add({"PING"});
    return over_->send(c, until);
  }
  [[nodiscard]] std::chrono::milliseconds quiet() const override { return beat(); }
  expected<void> digest(rd::reply&& said, deadline) override {
    if (auto const message = read_push(std::move(said))) add(message->text);
    return {};
  }

  std::string const pattern_;
};

}  // namespace

expected<std::unique_ptr<inbox>> make_inbox(std::shared_ptr<shared> on, queue_spec const& queue, deadline until) {
  bool const channel = queue.broadcast || queue.exchange_type != "direct" || on->is_channel(queue.exchange);
  if (channel) on->learn_channel(queue.exchange);
  std::unique_ptr<redis_inbox> made;
  if (channel) {
    made = std::make_unique<channel_inbox>(std::move(on), queue);
  } else {
    made = std::make_unique<list_inbox>(std::move(on), queue);
  }
  if (auto done = made->ensure(until); !done) return fail(done.error());
  return std::unique_ptr<inbox>{std::move(made)};
}

}  // namespace lovage::broker::redis_broker
