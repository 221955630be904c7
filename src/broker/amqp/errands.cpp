#include "broker/amqp/errands.hpp"

#include "broker/amqp/notices.hpp"
#include "core/ids.hpp"

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t fetching_channel = 1;
// basic.get has an answer of its own for each message; this many are under way at a time.
constexpr std::size_t together = 200;

}  // namespace

struct errands::posted {
  job what;
  deadline until = deadline::now();
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool done = false, abandoned = false;
  expected<void> result;

  void finish(expected<void> with) {
    std::lock_guard const lock{mutex};
    result = std::move(with);
    done = true;
    changed.notify_all();
  }
};

errands::errands(context const& with)
    : where_{with.to.all.front().text()},
      session_{with.to, with.strategy, "lovage inspector " + anonymous_name(), *this},
      declarer_{session_} {}

expected<void> errands::run(job what, deadline until) {
  auto one = std::make_shared<posted>();
  one->what = std::move(what);
  one->until = until;
  session_.start();
  {
    std::lock_guard const lock{mutex_};
    if (!up_ && down_ && down_->code == errc::bad_config) return fail(*down_);
    waiting_.push_back(one);
  }
  session_.wake();
  std::unique_lock lock{one->mutex};
  if (one->changed.wait_until(lock, until.when(), [&] { return one->done; })) return one->result;
  one->abandoned = true;
  lock.unlock();
  std::lock_guard const mine{mutex_};
  if (!up_ && down_) return fail(errc::unavailable, "no connection to RabbitMQ: " + down_->detail, down_->where);
  return fail(errc::timeout, "RabbitMQ did not answer in time", where_);
}

expected<void> errands::set_up(session& on) {
  (void)on;
  declarer_.begin();
  fetching_ = false;
  std::lock_guard const lock{mutex_};
  up_ = true;
  down_.reset();
  return {};
}

steady::time_point errands::turn(session& on) {
  for (;;) {
    std::shared_ptr<posted> one;
    {
      std::lock_guard const lock{mutex_};
      if (waiting_.empty()) return steady::time_point::max();
      one = waiting_.front();
      waiting_.pop_front();
    }
    {
      std::lock_guard const lock{one->mutex};
      if (one->abandoned) continue;
    }
    on.limit_calls(one->until);
    auto done = one->what(*this);
    on.limit_calls(deadline::never());
    one->finish(std::move(done));
    if (on.broken()) return steady::now();
  }
}

expected<void> errands::begin_fetching() {
  if (fetching_)
    if (auto ok = end_fetching(); !ok) return ok;
  if (auto r = session_.open_channel(fetching_channel); !r.ok()) return fail(fault_of(r, where_));
  fetching_ = true;
  return {};
}

expected<std::vector<fetched>> errands::fetch(queue_name const& from, std::size_t count) {
  got_.clear();
  std::vector<fetched> out;
  while (out.size() < count) {
    auto const now = std::min(together, count - out.size());
    answers_ = 0;
    amqp_basic_get_t get{};
    get.queue = borrow(from.str());
    for (std::size_t i = 0; i < now; ++i) session_.send(fetching_channel, AMQP_BASIC_GET_METHOD, &get);
    if (!session_.wait([&] { return answers_ == now || !fetching_; }, deadline::in(10s)) || !fetching_) {
      session_.abandon({errc::unavailable, "RabbitMQ gave no messages", {}});
      return fail(errc::unavailable, "RabbitMQ gave no messages of " + from.str(), where_);
    }
    bool const ended = got_.size() < now;
    std::move(got_.begin(), got_.end(), std::back_inserter(out));
    got_.clear();
    if (ended) break;
  }
  return out;
}

expected<std::string> errands::newest_of(queue_spec const& stream, std::chrono::milliseconds patience) {
  if (auto ok = declarer_.queue(stream); !ok) return fail(ok.error());
  if (auto ok = begin_fetching(); !ok) return fail(ok.error());
  got_.clear();
  amqp_basic_qos_t qos{};
  qos.prefetch_count = 65'535;
  auto const limited = session_.call(fetching_channel, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD);
  if (!limited.ok()) return fail(fault_of(limited, where_));
  if (auto ok = read_stream(session_, fetching_channel, stream.name, "stream", "last"); !ok) return fail(ok.error());
  // A chunk holds several; what else there is comes with the first.
  (void)session_.wait([&] { return !got_.empty() || !fetching_; }, deadline::in(patience));
  for (std::size_t seen = 0; seen < got_.size();) {
    seen = got_.size();
    (void)session_.wait([&] { return got_.size() > seen || !fetching_; }, deadline::in(100ms));
  }
  std::string out = got_.empty() ? std::string{} : std::move(got_.back().body);
  got_.clear();
  if (auto ok = end_fetching(); !ok) return fail(ok.error());
  return out;
}

void errands::acknowledge(std::uint64_t tag) {
  amqp_basic_ack_t m{tag, 0};
  session_.send(fetching_channel, AMQP_BASIC_ACK_METHOD, &m);
}

expected<void> errands::end_fetching() {
  if (!fetching_) return {};
  fetching_ = false;
  amqp_channel_close_t m{};
  m.reply_code = AMQP_REPLY_SUCCESS;
  auto const r = session_.call(fetching_channel, AMQP_CHANNEL_CLOSE_METHOD, &m, AMQP_CHANNEL_CLOSE_OK_METHOD);
  if (!r.ok()) return fail(fault_of(r, where_));
  return {};
}

void errands::on_method(session& on, std::uint16_t channel, amqp_method_t const& method) {
  (void)on, (void)channel;
  if (method.id == AMQP_BASIC_GET_EMPTY_METHOD) ++answers_;
}

void errands::on_content(session& on, std::uint16_t channel, incoming&& message) {
  (void)on, (void)channel;
  ++answers_;
  memory_.clear();
  got_.push_back({message.tag, read_properties(message.properties, memory_), std::move(message.body)});
}

void errands::on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) {
  (void)on, (void)code, (void)text;
  if (channel == declarer::channel) {
    declarer_.on_closed();
  } else {
    fetching_ = false;
  }
}

void errands::on_lost(error_info const& why) {
  std::deque<std::shared_ptr<posted>> hopeless;
  {
    std::lock_guard const lock{mutex_};
    up_ = false;
    down_ = why;
    if (why.code == errc::bad_config || why.code == errc::closed) hopeless.swap(waiting_);
  }
  for (auto const& one : hopeless) one->finish(fail(why));
}

}  // namespace lovage::broker::amqp
