#include "execute/intake.hpp"

#include "app/app_state.hpp"
#include "core/log.hpp"
#include "execute/exception_name.hpp"
#include "execute/task_events.hpp"
#include "execute/workflow.hpp"

#include <lovage/pack.hpp>

namespace lovage::execute {
namespace {

using broker::disposition;

std::string known_tasks(task_registry::impl const& tasks) {
  std::string out;
  for (auto const& [name, entry] : tasks.entries()) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none; load a plug-in with -A" : out;
}

// The id stands in the headers even when the rest cannot be read: then whoever waits for the result learns of it.
void report_unreadable(broker::delivery const& from, error_info const& why, policy const& with, time_point now,
                       effects& out) {
  log::error("cannot read a message from queue " + from.queue.str() + ": " + why.text() + "; it is in the dead set",
             {{"queue", from.queue.str()}});
  out.closings.push_back({from.tag, disposition::bury, why.text()});
  auto const* id = find(from.envelope.headers, "id");
  auto const* text = id ? id->get_if<std::string>() : nullptr;
  if (!text || !with.store_results) return;
  wire::result_record record;
  record.id = task_id{*text};
  record.status = wire::state::failure;
  record.result = wire::exception_info{"DecodeError", {why.text()}, "kombu.exceptions"}.to_value();
  record.date_done = wire::to_iso(now);
  record.reply_to = from.envelope.properties.reply_to;
  record.correlation_id = from.envelope.properties.correlation_id;
  out.records.push_back(std::move(record));
}

task_options effective(request const& r, policy const& with) {
  auto o = r.entry ? task_options::merge(with.defaults, r.entry->spec) : with.defaults;
  auto const& m = r.message;
  o.ignore_result = o.ignore_result || m.ignore_result;
  if (m.hard_limit_s) o.time_limit_s = *m.hard_limit_s;
  if (m.soft_limit_s) o.soft_time_limit_s = *m.soft_limit_s;
  return o;
}

// Into the dead set, from where it can be sent again: nobody is told more than the result.
void refuse(request const& r, policy const& with, wire::exception_info why, time_point now, effects& out) {
  fail_request(r, with, {std::move(why), std::nullopt, false}, disposition::bury, now, out);
}

}  // namespace

std::optional<request> read(broker::delivery&& from, policy const& with, time_point now, effects& out) {
  auto message = wire::decode_task(from.envelope, with.accept);
  if (!message) return report_unreadable(from, message.error(), with, now, out), std::nullopt;
  auto key = from.routing_key.empty() && from.exchange.empty() ? from.queue.str() : std::move(from.routing_key);
  request r{*std::move(message), from.tag, std::move(from.queue), from.priority, from.attempts, nullptr, {}, false};
  r.exchange = std::move(from.exchange);
  r.routing_key = std::move(key);
  r.redelivered = from.redelivered;
  r.octets = from.envelope.body.size();
  r.entry = with.tasks->find(r.message.task);
  r.options = effective(r, with);
  return r;
}

bool admit(request const& r, policy const& with, time_point now, effects& out) {
  if (stands_for_body(r) && with.chords) return out.bodies.push_back(body_behind(r)), false;
  if (r.entry == nullptr) {
    log::error("Received unregistered task " + r.label() +
               "; it is in the dead set. Registered: " + known_tasks(*with.tasks));
    return refuse(r, with, {"NotRegistered", {r.message.task}, "celery.exceptions"}, now, out), false;
  }
  if (auto ok = check_workflow(r, with, now); !ok) return refuse(r, with, as_exception(ok.error()), now, out), false;
  if (with.delivery_limit != 0 && r.attempts >= with.delivery_limit) {
    auto const times =
        "it came back " + std::to_string(r.attempts) + " times: a worker died over it, or it was requeued";
    wire::exception_info const why{"WorkerLostError", {times}, "billiard.exceptions"};
    return fail_request(r, with, {why}, disposition::bury, now, out), false;
  }
  if (r.message.expires && r.message.expires->to_time_point() <= now)
    return revoke_request(r, with, "expired", now, out), false;
  if (r.message.eta && r.message.eta->to_time_point() > now && postpone(r, with, std::nullopt, out)) return false;
  tell_received(r, with, now, out.events);
  return true;
}

std::optional<request> take_in(broker::delivery&& from, policy const& with, time_point now, effects& out) {
  auto r = read(std::move(from), with, now, out);
  if (r && !admit(*r, with, now, out)) r.reset();
  return r;
}

std::string pack_request(request const& r, policy const& with) {
  auto const& m = r.message;
  packer p;
  p.map(12);
  p.text("id"), p.text(m.id.str());
  p.text("task"), p.text(m.task);
  p.text("retries"), p.integer(m.retries);
  p.text("attempts"), p.integer(r.attempts);
  p.text("root_id"), p.text(m.root_id.value_or(""));
  p.text("parent_id"), p.text(m.parent_id.value_or(""));
  p.text("group"), p.text(m.group.value_or(""));
  p.text("in_chord"), p.boolean(!m.embed.chord.is_null());
  p.text("origin"), p.text(m.origin);
  p.text("queue"), p.text(r.queue.str());
  p.text("hostname"), p.text(with.node);
  p.text("headers"), p.any(m.extra_headers);
  return std::move(p).out();
}

std::string pack_arguments(wire::task_message const& m) {
  packer p;
  p.array(2);
  p.array(m.args.size());
  for (auto const& a : m.args) p.any(a);
  p.map(m.kwargs.size());
  for (auto const& k : m.kwargs) p.text(k.key), p.any(k.val);
  return std::move(p).out();
}

}  // namespace lovage::execute
