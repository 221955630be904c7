// From a typed call to bytes in the broker.
#include "app/app_state.hpp"
#include "app/registry.hpp"
#include "app/sent_events.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

#include <lovage/signature_value.hpp>

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

value::list names_of(value::map const& stamps) {
  value::list out;
  for (auto const& s : stamps) out.emplace_back(s.key);
  return out;
}

std::optional<double> count_of(std::optional<call_options::seconds> s) {
  return s ? std::optional{s->count()} : std::nullopt;
}

}  // namespace

expected<value::list> unpack_args(raw_call const& call) {
  try {
    return unpack_arguments(call);
  } catch (error const& e) {
    return fail(e.info());
  }
}

expected<void> check(raw_call const& call) {
  try {
    return check_call(call), expected<void>{};
  } catch (error const& e) {
    return fail(e.info());
  }
}

queue_name route(publish_settings const& settings, std::string_view task) { return settings.where.queue_of(task); }

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
  m.result_wanted = o.ignore_result_ && !*o.ignore_result_;
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
  m.stamped_headers = names_of(o.stamps_);
  m.stamps = std::move(o.stamps_);
  m.properties.correlation_id = m.id.str();
  m.properties.reply_to = app.reply_to();
  auto const priority = o.priority_ ? o.priority_ : app.publishing.default_priority;
  m.properties.priority = priority.value_or(0);
  m.properties.delivery_mode = static_cast<std::uint8_t>(o.delivery_mode_.value_or(app.publishing.mode));
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

expected<broker::outgoing> prepare(raw_call&& call, app_state& app, task_id& id, sent_events& tell) {
  if (auto ok = check(call); !ok) return fail(ok.error());
  auto const& where = app.publishing.where;
  if (auto ok = where.complete(call); !ok) return fail(ok.error());
  auto to = where.address(call.options);
  if (!to) return fail(to.error());
  wire::encode_options with{call.options.serializer_.value_or(app.publishing.serializer),
                            call.options.compression_.value_or(app.publishing.compression), false};
  auto message = message_of(std::move(call), app);
  if (!message) return fail(message.error());
  id = message->id;
  tell.note(*message, *to);
  auto out = outgoing_of(*message, std::move(to->queue), with);
  if (!out) return out;
  out->exchange = std::move(to->exchange);
  out->routing_key = std::move(to->routing_key);
  return out;
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

// A program's own hook: what it throws costs no call.
template <class F>
void guarded(char const* what, F&& f) {
  try {
    f();
  } catch (std::exception const& e) {
    log::error(std::string{"the hook "} + what + " threw: " + e.what());
  } catch (...) {
    log::error(std::string{"the hook "} + what + " threw something that is no std::exception");
  }
}

void tell_before(std::span<raw_call> calls, app_state const& app) {
  for (auto const& f : app.publishing.before)
    for (auto& c : calls) guarded("before_publish", [&] { f(c); });
}

// Names are kept only for those who want to hear them.
std::vector<std::string> names_for_after(std::vector<raw_call> const& calls, app_state const& app) {
  std::vector<std::string> out;
  if (app.publishing.after.empty()) return out;
  for (auto const& c : calls) out.push_back(c.task);
  return out;
}

void tell_after(std::span<std::string const> names, std::vector<task_id> const& ids, app_state const& app) {
  for (auto const& f : app.publishing.after)
    for (std::size_t i = 0; i < names.size(); ++i) guarded("after_publish", [&] { f(names[i], ids[i]); });
}

// Sends what `calls` from `first` to before `end` made.
expected<void> send_batch(broker::producer& to, std::vector<broker::outgoing> const& batch, std::size_t first,
                          std::size_t all, deadline until) {
  auto sent = to.publish(batch, until);
  if (sent || all <= batch_size) return sent;
  auto info = sent.error();
  info.detail += "; " + std::to_string(first) + " of " + std::to_string(all) + " were sent";
  return fail(std::move(info));
}

expected<std::vector<task_id>> send_to_broker(app_state& app, std::vector<raw_call>&& calls, deadline until) {
  if (auto listening = app.expect_replies(until); !listening) return fail(listening.error());
  auto producer = app.producer(until);
  if (!producer) return fail(producer.error());
  auto const transport = app.sending_transport(until);
  if (!transport) return fail(transport.error());
  bool const exchanges = (*transport)->abilities().exchanges;
  std::vector<task_id> ids(calls.size());
  std::vector<broker::outgoing> batch;
  sent_events tell{app};
  std::size_t first = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto out = prepare(std::move(calls[i]), app, ids[i], tell);
    if (!out) return fail(out.error());
    if (exchanges) {
      batch.push_back(*std::move(out));
    } else if (auto ok = app.publishing.where.spread(*std::move(out), batch); !ok) {
      return fail(ok.error());
    }
    if (batch.size() < batch_size && i + 1 < calls.size()) continue;
    if (auto sent = send_batch(**producer, batch, first, calls.size(), until); !sent) return fail(sent.error());
    tell.send(**producer, (*transport)->abilities());
    batch.clear();
    first = i + 1;
  }
  return ids;
}

expected<std::vector<task_id>> send_raw(app_state& app, std::vector<raw_call>&& calls, deadline until) {
  tell_before(calls, app);
  auto const names = names_for_after(calls, app);
  auto ids = app.settings.task_always_eager() ? send_eagerly(app, std::move(calls))
                                              : send_to_broker(app, std::move(calls), until);
  if (ids) tell_after(names, *ids, app);
  return ids;
}

}  // namespace lovage::detail
