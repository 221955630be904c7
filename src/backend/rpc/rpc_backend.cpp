#include "backend/rpc/rpc_backend.hpp"

#include "backend/rpc/replies.hpp"
#include "core/ids.hpp"

namespace lovage::backend {
namespace rpc {
namespace {

using wire::result_record;

class rpc_watch final : public watch {
 public:
  explicit rpc_watch(std::shared_ptr<replies> on) : on_{std::move(on)} {}
  ~rpc_watch() override { on_->leave(in_); }
  void add(std::span<task_id const> ids) override { on_->add(in_, ids); }
  void remove(task_id const& id) override { on_->remove(in_, id); }
  expected<std::vector<result_record>> next(deadline until) override { return on_->next(in_, until); }
  void interrupt() override { on_->interrupt(in_); }

 private:
  std::shared_ptr<replies> const on_;
  news in_;
};

class rpc_backend final : public result_backend {
 public:
  rpc_backend(settings with, record_codec codec)
      : settings_{std::move(with)},
        codec_{std::move(codec)},
        replies_{std::make_shared<replies>(codec_, kept_replies::bounds{})} {}

  [[nodiscard]] traits abilities() const override {
    return {.readable_by_all = false, .keeps_records = false, .chords = false};
  }
  expected<void> expect_replies(deadline until) override { return replies_->open(settings_, until); }
  expected<void> store(std::span<result_record const> records, std::chrono::seconds, deadline until) override;
  expected<std::vector<result_record>> fetch(std::span<task_id const> ids, deadline) override {
    return replies_->fetch(ids);
  }
  expected<void> forget(std::span<task_id const> ids, deadline) override {
    return replies_->forget(ids), expected<void>{};
  }
  expected<std::unique_ptr<watch>> make_watch() override {
    return std::unique_ptr<watch>{std::make_unique<rpc_watch>(replies_)};
  }
  expected<std::uint64_t> cleanup(deadline) override { return std::uint64_t{0}; }

 private:
  [[nodiscard]] expected<broker::outgoing> message_of(result_record const& r) const;
  [[nodiscard]] expected<std::shared_ptr<broker::producer>> producer(deadline until);

  settings const settings_;
  record_codec const codec_;
  std::shared_ptr<replies> const replies_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<broker::transport> transport_;
  std::shared_ptr<broker::producer> producer_;
};

expected<broker::outgoing> rpc_backend::message_of(result_record const& r) const {
  // What has no form as a record has none here either: the same error as of a backend that keeps it.
  if (r.status.empty() || r.id.empty()) return fail(codec_.write(r).error());
  auto const& form = codec_.writes();
  auto body = form.write(wire::to_rpc_value(r), false);
  if (!body) return fail(body.error());
  broker::outgoing out;
  out.queue = queue_name{r.reply_to};
  out.must_route = false;
  out.envelope.content_type = form.content_type;
  out.envelope.content_encoding = form.content_encoding;
  out.envelope.properties.correlation_id = r.correlation_id.empty() ? r.id.str() : r.correlation_id;
  out.envelope.properties.delivery_mode = settings_.persistent ? 2 : 1;
  out.envelope.properties.priority = 0;
  out.envelope.body = *std::move(body);
  return out;
}

expected<std::shared_ptr<broker::producer>> rpc_backend::producer(deadline until) {
  std::lock_guard const lock{mutex_};
  if (producer_) return producer_;
  auto on = settings_.transport(until);
  if (!on) return fail(on.error());
  auto made = (*on)->make_producer(until);
  if (!made) return fail(made.error());
  transport_ = *std::move(on);
  producer_ = *std::move(made);
  return producer_;
}

expected<void> rpc_backend::store(std::span<result_record const> records, std::chrono::seconds, deadline until) {
  std::vector<broker::outgoing> messages;
  for (auto const& r : records) {
    auto m = message_of(r);
    if (!m) return fail(m.error());
    if (!r.reply_to.empty()) messages.push_back(*std::move(m));
  }
  if (messages.empty()) return {};
  auto to = producer(until);
  if (!to) return fail(to.error());
  return (*to)->publish(messages, until);
}

}  // namespace
}  // namespace rpc

expected<std::shared_ptr<result_backend>> make_rpc_backend(settings with, deadline) {
  if (!with.transport) return fail(errc::bad_config, "rpc:// needs a broker: set broker_url", "result_backend");
  auto codec = record_codec::make(with);
  if (!codec) return fail(codec.error());
  if (with.reply_to.empty()) with.reply_to = random_uuid().str();
  return std::shared_ptr<result_backend>{std::make_shared<rpc::rpc_backend>(std::move(with), *std::move(codec))};
}

}  // namespace lovage::backend
