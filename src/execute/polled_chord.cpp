#include "execute/polled_chord.hpp"

#include "execute/workflow.hpp"

#include <unordered_map>

namespace lovage::execute {
namespace {

using record_index = std::unordered_map<std::string, wire::result_record const*>;

value const* argument_of(wire::task_message const& m, std::string_view name, std::size_t place) {
  auto const* named = find(m.kwargs, name);
  return named != nullptr || place >= m.args.size() ? named : &m.args[place];
}

// The tasks of a handle: a group's members count, not the group.
void collect_tasks(wire::result_tuple const& of, std::vector<task_id>& out) {
  if (!of.children) return out.emplace_back(of.id), void();
  for (auto const& c : *of.children) collect_tasks(c, out);
}

// The first task that has not succeeded.
wire::result_record const* first_bad(wire::result_tuple const& of, record_index const& records) {
  if (!of.children) {
    auto const* r = records.at(of.id);
    return r->status == wire::state::success ? nullptr : r;
  }
  for (auto const& c : *of.children)
    if (auto const* bad = first_bad(c, records)) return bad;
  return nullptr;
}

value joined_result(wire::result_tuple const& of, record_index const& records) {
  if (!of.children) return records.at(of.id)->result;
  value::list out;
  for (auto const& c : *of.children) out.push_back(joined_result(c, records));
  return out;
}

wire::exception_info late() { return {"TimeoutError", {"it has not ended in time"}, "celery.exceptions"}; }

void come_again(request const& r, polled_chord const& c, policy const& with, time_point now, effects& out) {
  auto again = r;
  again.message.retries += 1;
  auto const due = now + std::chrono::ceil<std::chrono::microseconds>(c.interval);
  again.message.eta = datetime::from(due);
  if (!postpone(again, with, due, out)) out.closings.push_back({r.job, broker::disposition::requeue, {}, false});
}

}  // namespace

bool asks_after_chord(request const& r) noexcept { return r.message.task == "celery.chord_unlock"; }

expected<polled_chord> polled_chord::of(request const& r) {
  auto const& m = r.message;
  auto const broken = [](char const* what) {
    return fail(errc::decode,
                std::string{"celery.chord_unlock takes a group's id, a signature and the header's results; "} + what);
  };
  polled_chord out;
  auto const* group = argument_of(m, "group_id", 0);
  auto const* id = group ? group->get_if<std::string>() : nullptr;
  if (id == nullptr) return broken("the id is missing");
  out.group = *id;
  auto const* body = argument_of(m, "callback", 1);
  if (body == nullptr || !body->is<value::map>()) return broken("the signature is missing");
  out.body = *body;
  if (auto const* v = argument_of(m, "interval", 2); v && !v->is_null()) {
    auto const* whole = v->get_if<std::int64_t>();
    auto const* exact = v->get_if<double>();
    auto const seconds = whole ? static_cast<double>(*whole) : exact ? *exact : -1;
    if (!(seconds >= 0 && seconds < 1e9)) return broken("its interval is no number of seconds");
    out.interval = std::chrono::duration<double>{seconds};
  }
  if (auto const* v = argument_of(m, "max_retries", 3); v && v->is<std::int64_t>())
    out.max_retries = *v->get_if<std::int64_t>();
  auto const* results = argument_of(m, "result", 4);
  auto const* list = results ? results->get_if<value::list>() : nullptr;
  if (list == nullptr) return broken("the results are missing");
  for (auto const& item : *list) {
    auto member = wire::result_tuple::from_value(item);
    if (!member) return fail(member.error());
    out.members.push_back(*std::move(member));
  }
  return out;
}

std::vector<task_id> polled_chord::awaited() const {
  std::vector<task_id> out;
  for (auto const& m : members) collect_tasks(m, out);
  return out;
}

void conclude_polled(request const& r, polled_chord&& c, std::vector<wire::result_record> const& records,
                     policy const& with, time_point now, effects& out) {
  record_index by_id;
  bool ready = true;
  for (auto const& one : records) {
    by_id.emplace(one.id.str(), &one);
    ready = ready && one.ready();
  }
  bool const tired = !ready && c.max_retries && r.message.retries >= *c.max_retries;
  if (!ready && !tired) return come_again(r, c, with, now, out);
  backend::chord_end end{c.group, {}, c.body, std::nullopt};
  for (std::size_t i = 0; i < c.members.size(); ++i) {
    auto const& m = c.members[i];
    auto const* bad = first_bad(m, by_id);
    backend::chord_part part{
        c.group, static_cast<std::int64_t>(i), task_id{bad ? bad->id.str() : m.id}, wire::state::success, {}};
    if (bad == nullptr) {
      part.result = joined_result(m, by_id);
    } else {
      part.status = wire::state::failure;
      part.result = bad->ready() ? bad->result : late().to_value();
    }
    end.parts.push_back(std::move(part));
  }
  auto const before = out.sequels.size();
  conclude_chord(std::move(end), nullptr, with, now, out);
  auto& closings = out.sequels.size() > before ? out.sequels.back().closings : out.closings;
  closings.push_back({r.job, broker::disposition::done, {}, true});
}

}  // namespace lovage::execute
