// Workflows as graphs, from the handles of those who sent them and from what the result backend knows.
#include "app/result_trees.hpp"
#include "app/workflow_graph.hpp"
#include "wire/result_record.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace lovage {
namespace {

class result_drawer {
 public:
  explicit result_drawer(detail::app_state& app) : app_{app} {}

  using places = std::vector<std::size_t>;
  /// Adds these tasks after those; returns the last ones.
  places add(result_tree const& tree, places from) {
    for (auto const& before : tree.parent) from = add(before, std::move(from));
    if (!tree.is_group) return {add_task(tree.id, from)};
    places out;
    for (auto const& member : tree.members) std::ranges::copy(add(member, from), std::back_inserter(out));
    return out.empty() ? from : out;
  }

  /// With what the tasks have called meanwhile, and with their states.
  drawing finish() {
    for (std::size_t known = 0; known < ids_.size();) {
      auto const first = known;
      known = ids_.size();
      look_at(first, known);
    }
    return std::move(out_);
  }

 private:
  std::size_t add_task(std::string const& id, places const& from) {
    auto const [at, fresh] = place_.emplace(id, ids_.size());
    if (fresh) {
      ids_.emplace_back(id);
      out_.boxes.push_back({id, ""});
    }
    for (auto const before : from)
      if (before != at->second && arrows_.emplace(before, at->second).second)
        out_.arrows.emplace_back(before, at->second);
    return at->second;
  }

  void look_at(std::size_t first, std::size_t last) {
    auto const until = app_.operation_deadline();
    std::vector<task_id> const ids{ids_.begin() + static_cast<std::ptrdiff_t>(first),
                                   ids_.begin() + static_cast<std::ptrdiff_t>(last)};
    auto const records = app_.backend(until).value()->fetch(ids, until).value();
    for (std::size_t i = 0; i < records.size(); ++i) {
      auto& box = out_.boxes[first + i];
      box.state = records[i].status;
      auto const* name = find(records[i].extended, "name");
      if (name && name->is<std::string>()) box.label = *name->get_if<std::string>() + "\n" + box.label;
      for (auto const& child : detail::children_of(records[i])) (void)add(child, {first + i});
    }
  }

  detail::app_state& app_;
  drawing out_;
  std::vector<task_id> ids_;
  std::unordered_map<std::string, std::size_t> place_;
  std::set<std::pair<std::size_t, std::size_t>> arrows_;
};

bool keeps_groups(detail::app_state& app) { return app.backend(app.operation_deadline()).value()->abilities().chords; }

}  // namespace

drawing app::draw(result_tree const& tree) {
  result_drawer drawer{*state_};
  (void)drawer.add(tree, {});
  return drawer.finish();
}

drawing app::draw(task_id const& id) {
  auto const until = state_->operation_deadline();
  task_id const document{id.str() + detail::document_suffix};
  auto const records = state_->backend(until).value()->fetch({&document, 1}, until).value();
  if (records.front().status == detail::document_state) return workflow_run{state_, id}.draw();
  if (keeps_groups(*state_))
    if (auto group = detail::saved_group(*state_, id.str(), until).value()) return draw(*group);
  return draw(result_tree{id.str(), {}, false, {}});
}

}  // namespace lovage
