// From a typed call to bytes in the broker.
#include "app/app_state.hpp"
#include "app/registry.hpp"
#include "core/ids.hpp"

#include <fnmatch.h>

namespace lovage::detail {
namespace {

std::optional<datetime> moment(std::optional<time_point> at, std::optional<call_options::seconds> in, time_point now) {
  if (at) return datetime::from(*at);
  if (!in) return std::nullopt;
  return datetime::from(now + std::chrono::duration_cast<std::chrono::microseconds>(*in));
}

bool ignores_result(raw_call const& call, app_state const& app) {
  if (call.options.ignore_result_) return *call.options.ignore_result_;
  auto const* entry = app.tasks.internals().find(call.task);
  auto const* own = entry ? find(entry->spec, "ignore_result") : nullptr;
  auto const* flag = own ? own->get_if<bool>() : nullptr;
  return flag ? *flag : app.publishing.ignore_result;
}

std::optional<double> count_of(std::optional<call_options::seconds> s) {
  return s ? std::optional{s->count()} : std::nullopt;
}

}  // namespace

expected<value::list> unpack_args(raw_call const& call) {
  try {
    unpacker in{call.packed_args};
    value::list out;
    out.reserve(call.count);
    for (std::size_t i = 0; i < call.count; ++i) out.push_back(in.any());
    return out;
  } catch (error const& e) {
    return fail(e.info());
  }
}

expected<void> check(raw_call const& call) {
  auto const& o = call.options;
  if (call.task.empty()) return fail(errc::invalid_argument, "a task needs a name", "task");
  if (o.priority_ && (*o.priority_ < 0 || *o.priority_ > 9))
    return fail(errc::invalid_argument,
                "priority " + std::to_string(*o.priority_) + " is not between 0 and 9; 9 is served first");
  if (o.countdown_ && o.eta_) return fail(errc::invalid_argument, "give countdown or eta, not both");
  if (o.time_limit_ && o.soft_time_limit_ && *o.soft_time_limit_ > *o.time_limit_)
    return fail(errc::invalid_argument, "soft_time_limit is longer than time_limit");
  if (o.queue_ && o.queue_->empty())
    return fail(errc::invalid_argument, "the queue has no name; leave it out for the default");
  return {};
}

queue_name route(publish_settings const& settings, std::string_view task) {
  std::string const name{task};
  for (auto const& rule : settings.routes)
    if (::fnmatch(rule.pattern.c_str(), name.c_str(), 0) == 0) return queue_name{rule.queue};
  return queue_name{settings.default_queue};
}

expected<wire::task_message> message_of(raw_call&& call, app_state const& app) {
  if (auto ok = check(call); !ok) return fail(ok.error());
  auto args = unpack_args(call);
  if (!args) return fail(args.error());
  auto& o = call.options;
  auto embed = embed_of(o);
  if (!embed) return fail(embed.error());
  auto const now = app.now();
  wire::task_message m;
  m.embed = *std::move(embed);
  m.ignore_result = ignores_result(call, app);
  m.task = std::move(call.task);
  m.id = o.id_ ? std::move(*o.id_) : new_task_id();
  m.shadow = std::move(o.shadow_);
  m.eta = moment(o.eta_, o.countdown_, now);
  m.expires = moment(o.expires_at_, o.expires_in_, now);
  m.hard_limit_s = count_of(o.time_limit_);
  m.soft_limit_s = count_of(o.soft_time_limit_);
  m.root_id = m.id.str();
  m.args = *std::move(args);
  m.kwargs = std::move(call.kwargs);
  m.argsrepr = o.argsrepr_ ? std::move(*o.argsrepr_) : wire::args_repr(m.args);
  m.kwargsrepr = o.kwargsrepr_ ? std::move(*o.kwargsrepr_) : wire::kwargs_repr(m.kwargs);
  m.origin = app.publishing.origin;
  m.extra_headers = std::move(o.headers_);
  m.properties.correlation_id = m.id.str();
  auto const priority = o.priority_ ? o.priority_ : app.publishing.default_priority;
  m.properties.priority = priority.value_or(0);
  return m;
}

expected<broker::outgoing> outgoing_of(wire::task_message const& message, queue_name queue,
                                       wire::encode_options const& options) {
  auto envelope = wire::encode_task(message, options);
  if (!envelope) return fail(envelope.error());
  broker::outgoing out{std::move(queue), *std::move(envelope), message.properties.priority.value_or(0), std::nullopt};
  if (message.eta) out.due = message.eta->to_time_point();
  return out;
}

namespace {

expected<broker::outgoing> prepare(raw_call&& call, app_state& app, task_id& id) {
  wire::encode_options with{call.options.serializer_.value_or(app.publishing.serializer),
                            call.options.compression_.value_or(app.publishing.compression), false};
  auto queue = call.options.queue_ ? queue_name{*call.options.queue_} : route(app.publishing, call.task);
  auto message = message_of(std::move(call), app);
  if (!message) return fail(message.error());
  id = message->id;
  return outgoing_of(*message, std::move(queue), with);
}

expected<std::vector<task_id>> send_eagerly(app_state& app, std::vector<raw_call>&& calls) {
  std::vector<task_id> ids;
  for (auto& call : calls) {
    auto message = message_of(std::move(call), app);
    if (!message) return fail(message.error());
    ids.push_back(message->id);
    if (auto ran = run_eagerly(app, *std::move(message)); !ran) return fail(ran.error());
  }
  return ids;
}

}  // namespace

// One transaction holds every writer of an embedded store back while it lasts; this many messages take some 100 ms.
constexpr std::size_t batch_size = 5'000;

expected<std::vector<task_id>> send_raw(app_state& app, std::vector<raw_call>&& calls, deadline until) {
  if (app.settings.task_always_eager()) return send_eagerly(app, std::move(calls));
  auto producer = app.producer(until);
  if (!producer) return fail(producer.error());
  std::vector<task_id> ids(calls.size());
  std::vector<broker::outgoing> batch;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto out = prepare(std::move(calls[i]), app, ids[i]);
    if (!out) return fail(out.error());
    batch.push_back(*std::move(out));
    if (batch.size() < batch_size && i + 1 < calls.size()) continue;
    if (auto sent = (*producer)->publish(batch, until); !sent) {
      auto info = sent.error();
      if (calls.size() > batch_size)
        info.detail +=
            "; " + std::to_string(i + 1 - batch.size()) + " of " + std::to_string(calls.size()) + " were sent";
      return fail(std::move(info));
    }
    batch.clear();
  }
  return ids;
}

}  // namespace lovage::detail
