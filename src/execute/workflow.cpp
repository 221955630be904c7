#include "execute/workflow.hpp"

#include "app/signature_message.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "wire/result_tuple.hpp"

namespace lovage::execute {
namespace {

using detail::addressed_call;
using detail::workflow_place;
using wire::signature;
using wire::signature_kind;

workflow_place place_after(request const& r, policy const& with) {
  workflow_place place;
  place.parent_id = r.message.id.str();
  place.root_id = r.message.root_id.value_or(r.message.id.str());
  if (with.inherit_priority) place.priority = r.priority;
  return place;
}

failure no_groups(signature const& s) {
  char const* what = s.kind() == signature_kind::chord ? "chords" : "groups";
  return fail(errc::not_supported, std::string{what} + " after a task are not run by this version of lovage", s.task);
}

expected<void> check_members(signature const& chain);

expected<void> check_kind(signature const& s) {
  auto const kind = s.kind();
  if (kind == signature_kind::group || kind == signature_kind::chord) return no_groups(s);
  return kind == signature_kind::chain ? check_members(s) : expected<void>{};
}

expected<void> check_members(signature const& chain) {
  auto const steps = wire::members(chain);
  if (!steps) return fail(steps.error());
  for (auto const& step : *steps)
    if (auto ok = check_kind(step); !ok) return ok;
  return {};
}

// From a signature with what is put in front of its arguments to a call with an address.
expected<addressed_call> call_after(value const& from, value::list front, workflow_place place, policy const& with,
                                    time_point now) {
  auto s = signature::from_value(from);
  if (!s) return fail(s.error());
  if (auto ok = check_kind(*s); !ok) return fail(ok.error());
  s->apply_partial(std::move(front));
  value::list rest = place.chain.value_or(value::list{});
  auto const before = rest.size();
  auto first = detail::first_step(*std::move(s), rest);
  if (!first) return fail(first.error());
  if (place.chain || rest.size() > before) place.chain = std::move(rest);
  auto call = detail::call_of(*std::move(first), std::move(place), with.publishing, now);
  if (!call) return call;
  if (!call->exchange.empty() && !with.exchanges)
    return fail(errc::not_supported, "this broker knows queues but no exchanges", call->exchange);
  return call;
}

value tuple_of(std::string const& id) { return wire::result_tuple{id, {}, std::nullopt}.to_value(); }

expected<void> add(expected<addressed_call> call, std::vector<broker::outgoing>& to) {
  if (!call) return fail(call.error());
  auto out = detail::outgoing_of(*std::move(call));
  if (!out) return fail(out.error());
  to.push_back(*std::move(out));
  return {};
}

// Several links share a new group, as Celery has it, and are one child of the record.
expected<void> add_links(request const& r, value const& result, policy const& with, time_point now, follow_up& out) {
  auto const& links = r.message.embed.callbacks;
  if (links.empty()) return {};
  wire::result_tuple group{new_task_id().str(), {}, std::vector<wire::result_tuple>{}};
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto place = place_after(r, with);
    if (links.size() > 1) place.group = group.id, place.group_index = static_cast<std::int64_t>(i);
    auto call = call_after(links[i], {result}, std::move(place), with, now);
    if (call) group.children->push_back({call->message.id.str(), {}, std::nullopt});
    if (auto ok = add(std::move(call), out.messages); !ok) return ok;
  }
  out.children.push_back(links.size() > 1 ? group.to_value() : tuple_of(group.children->front().id));
  return {};
}

expected<void> add_next_step(request const& r, value const& result, policy const& with, time_point now,
                             follow_up& out) {
  auto const& chain = r.message.embed.chain;
  if (!chain || chain->empty()) return {};
  auto place = place_after(r, with);
  place.chain.emplace(chain->begin(), chain->end() - 1);
  auto call = call_after(chain->back(), {result}, std::move(place), with, now);
  if (call) out.children.push_back(tuple_of(call->message.id.str()));
  return add(std::move(call), out.messages);
}

void collect_waiting(signature const& s, std::vector<waiting_step>& out) {
  auto const text = [&](char const* key) -> std::string {
    auto const* v = s.option(key);
    auto const* t = v ? v->get_if<std::string>() : nullptr;
    return t ? *t : std::string{};
  };
  if (auto id = text("task_id"); !id.empty()) {
    auto group = text("group_id");
    out.push_back(
        {task_id{std::move(id)}, group.empty() ? std::nullopt : std::optional{std::move(group)}, text("reply_to")});
  }
  auto const kind = s.kind();
  if (kind == signature_kind::chain || kind == signature_kind::group) {
    auto const inner = wire::members(s);
    for (std::size_t i = 0; inner && i < inner->size(); ++i) collect_waiting((*inner)[i], out);
  } else if (kind == signature_kind::chord) {  // whoever waits for a chord waits for its body
    if (auto const parts = wire::split_chord(s)) collect_waiting(parts->body, out);
  }
}

}  // namespace

expected<void> check_workflow(request const& r, policy const& with, time_point now) {
  auto const& e = r.message.embed;
  if (!e.chord.is_null())
    return fail(errc::not_supported, "chords are not run by this version of lovage", r.message.task);
  auto const check = [&](value::list const& calls) -> expected<void> {
    for (auto const& call : calls)
      if (auto ok = call_after(call, {}, {}, with, now); !ok) return fail(ok.error());
    return {};
  };
  if (auto ok = check(e.callbacks); !ok) return ok;
  if (auto ok = check(e.errbacks); !ok) return ok;
  return e.chain ? check(*e.chain) : expected<void>{};
}

expected<follow_up> after_success(request const& r, value const& result, policy const& with, time_point now) {
  follow_up out;
  if (auto ok = add_links(r, result, with, now, out); !ok) return fail(ok.error());
  if (auto ok = add_next_step(r, result, with, now, out); !ok) return fail(ok.error());
  return out;
}

std::vector<broker::outgoing> errbacks_of(request const& r, policy const& with, time_point now) {
  std::vector<broker::outgoing> out;
  auto const& calls = r.message.embed.errbacks;
  if (calls.empty()) return out;
  auto const group = new_task_id().str();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto place = place_after(r, with);
    place.group = group, place.group_index = static_cast<std::int64_t>(i);
    auto const sent = add(call_after(calls[i], {r.message.id.str()}, std::move(place), with, now), out);
    if (!sent) log::error("Task " + r.label() + ": an errback cannot be called: " + sent.error().text());
  }
  return out;
}

std::vector<waiting_step> steps_to_come(wire::embed const& e) {
  std::vector<waiting_step> out;
  if (!e.chain) return out;
  for (auto const& step : *e.chain)
    if (auto const s = signature::from_value(step)) collect_waiting(*s, out);
  return out;
}

}  // namespace lovage::execute
