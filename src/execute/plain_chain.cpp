#include "execute/plain_chain.hpp"

#include "wire/result_tuple.hpp"

#include <algorithm>

namespace lovage::execute {

using detail::workflow_place;

namespace {

bool is_text_option(std::string_view key) {
  return key == "task_id" || key == "reply_to" || key == "queue" || key == "root_id" || key == "parent_id";
}

bool are_plain(value::map const& options) {
  return std::all_of(options.begin(), options.end(), [](value::member const& o) {
    return o.val.is_null() || (o.val.is<std::string>() && is_text_option(o.key));
  });
}

std::string const& plain_text(value const* v) {
  static std::string const none;
  auto const* text = v ? v->get_if<std::string>() : nullptr;
  return text ? *text : none;
}

value const* step_option(value const& step, std::string_view name) {
  auto const* options = step.find("options");
  return options ? options->find(name) : nullptr;
}

// Celery's own tasks may be containers.
bool is_plain(value const& step) {
  auto const* m = step.get_if<value::map>();
  if (m == nullptr || plain_text(step_option(step, "task_id")).empty()) return false;
  auto const& task = plain_text(find(*m, "task"));
  if (task.empty() || task.starts_with("celery.")) return false;
  auto const* args = find(*m, "args");
  auto const* kwargs = find(*m, "kwargs");
  auto const* immutable = find(*m, "immutable");
  auto const* type = find(*m, "subtask_type");
  auto const* options = find(*m, "options");
  return args && args->is<value::list>() && kwargs && kwargs->is<value::map>() && (!type || type->is_null()) &&
         (!immutable || immutable->is<bool>()) && are_plain(*options->get_if<value::map>());
}

}  // namespace

bool is_plain_step(value const& signature, policy const& with) {
  return !with.publishing.where.has_rules() && is_plain(signature);
}

bool is_plain_chain(value::list const& reversed, policy const& with) {
  return !with.publishing.where.has_rules() && std::all_of(reversed.begin(), reversed.end(), is_plain);
}

expected<void> add_plain_step(value::list const& reversed, value const& result, workflow_place const& place,
                              policy const& with, time_point now, follow_up& out) {
  for (auto step = reversed.rbegin(); step != reversed.rend(); ++step)
    out.later.waiting.push_back(
        {task_id{plain_text(step_option(*step, "task_id"))}, std::nullopt, plain_text(step_option(*step, "reply_to"))});
  auto next = wire::signature::from_value(reversed.back());
  if (!next) return fail(next.error());
  next->apply_partial({result});
  next->set_option("chain", value::list{reversed.begin(), reversed.end() - 1});  // at last empty, not absent
  out.children.push_back(wire::result_tuple{out.later.waiting.front().id.str(), {}, std::nullopt}.to_value());
  return add_call(*std::move(next), place, with, now, out);
}

}  // namespace lovage::execute
