// From a typed workflow to tasks that are sent.
#include "app/canvas_send.hpp"
#include "app/result_trees.hpp"

#include <lovage/batch.hpp>

namespace lovage::detail {

expected<result_tree> send_workflow(app_state& app, value signature, deadline until, send_progress const& progress) {
  auto workflow = wire::signature::from_value(std::move(signature));
  if (!workflow) return fail(workflow.error());
  auto sent = send_canvas(app, *std::move(workflow), until, progress);
  if (!sent) return fail(sent.error());
  return tree_of(*sent);
}

expected<result_tree> send_members(app_state& app, std::function<std::optional<value>()> const& next, std::size_t all,
                                   deadline until, send_progress const& progress) {
  error_info broken;
  auto const one = [&]() -> std::optional<wire::signature> {
    auto member = next();
    if (!member) return std::nullopt;
    auto s = wire::signature::from_value(*std::move(member));
    if (!s) broken = s.error();
    return s ? std::optional{*std::move(s)} : std::nullopt;
  };
  auto sent = send_members(app, one, all, until, progress);
  if (!sent) return fail(sent.error());
  if (broken.code != errc::ok) return fail(std::move(broken));
  return tree_of(*sent);
}

expected<std::optional<result_tree>> saved_group(app_state& app, std::string const& id, deadline until) {
  auto backend = app.backend(until);
  if (!backend) return fail(backend.error());
  auto group = (*backend)->fetch_group(id, until);
  if (!group) return fail(group.error());
  return *group ? std::optional{tree_of(**group)} : std::nullopt;
}

}  // namespace lovage::detail

namespace lovage {

batch_run app::send(batch const& of, detail::send_progress const& progress) {
  if (of.size() == 0) throw error{errc::invalid_argument, "this batch has no tasks"};
  auto tree = detail::value_or_throw(detail::send_workflow(*state_, of.to_value(), send_deadline(), progress));
  auto tasks = std::move(tree.parent.front());
  return {{state_, std::move(tasks)}, {state_, task_id{tree.id}, "lovage.batch_end"}};
}

}  // namespace lovage
