#include "monitor/workflow_graph.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

namespace lovage::monitor {
namespace {

constexpr std::size_t longest_way = 1'000;
constexpr int deepest = 100;

using tasks_of = std::vector<task_record const*>;

std::size_t urgency(std::string_view s) {
  constexpr std::string_view order[] = {state::failure, state::rejected, state::revoked, state::retry,
                                        state::started, state::received, state::pending, state::success};
  return static_cast<std::size_t>(std::find(std::begin(order), std::end(order), s) - std::begin(order));
}

bool has_failed(task_record const& t) { return t.has_ended() && t.state != state::success; }

/// What stands for several tasks.
graph_node summary(std::string id, graph_node::kind_of kind, tasks_of const& all) {
  graph_node out;
  out.id = std::move(id), out.kind = kind;
  out.name = all.front()->name, out.state = all.front()->state;
  out.count = all.size();
  for (auto const* t : all) {
    if (t->name != out.name) out.name.clear();
    if (urgency(t->state) < urgency(out.state)) out.state = t->state;
    ++out.states[t->state];
  }
  return out;
}

class drawing {
 public:
  explicit drawing(std::vector<task_record> const& tasks) {
    for (auto const& t : tasks) by_id_.emplace(t.id, &t);
    for (auto const& t : tasks)
      if (by_id_.at(t.id) == &t) add(t);
    for (auto& [id, members] : groups_) part_body(members);
    std::erase_if(groups_, [](auto const& g) { return g.second.size() < 2; });
  }

  workflow_graph make() {
    for (auto const& [id, members] : groups_) find_entries(id, members);
    for (auto const& [id, members] : groups_) fold("more of " + id, members);
    fold_groups();
    fold_children();
    std::map<std::string, tasks_of> folded;
    for (auto const* t : order_) {
      if (auto const at = stands_for_.find(t->id); at != stands_for_.end())
        folded[at->second].push_back(t);
      else
        out_.nodes.push_back({t->id, t->name, t->state, graph_node::kind_of::task, known_group(*t), t->parent});
    }
    for (auto const& [id, members] : groups_)
      if (!hidden_.contains(id)) out_.nodes.push_back(summary(id, graph_node::kind_of::group, members));
    for (auto const& [key, all] : folded) out_.nodes.push_back(more(key, all));
    find_nesting();
    for (auto const& [id, members] : groups_)
      if (!hidden_.contains(id)) add_group_edges(id);
    for (auto const* t : order_) add_edges(*t);
    return std::move(out_);
  }

 private:
  void add(task_record const& t) {
    order_.push_back(&t);
    if (!t.group.empty()) groups_[t.group].push_back(&t);
    if (parent_of(t) == nullptr)
      starts_.push_back(&t);
    else
      children_[t.parent].push_back(&t);
  }
  [[nodiscard]] task_record const* find(std::string const& id) const {
    auto const at = by_id_.find(id);
    return at == by_id_.end() ? nullptr : at->second;
  }
  // What is called when all members have ended. One of them may say it for all; else, since Celery gives the body of a
  // chord the id of the group, too, it is the only one that a member called, when the others had ended.
  [[nodiscard]] std::string body_of_group(tasks_of const& members) const {
    for (auto const* m : members)
      if (!m->chord.empty()) return m->chord;
    std::string body;
    for (auto const* m : members) {
      auto const* parent = parent_of(*m);
      bool const called = parent != nullptr && parent->group == m->group;
      if ((called && !body.empty()) || (!called && !m->has_ended())) return {};
      if (called) body = m->id;
    }
    return body;
  }
  void part_body(tasks_of& members) {
    auto const id = body_of_group(members);
    if (id.empty()) return;
    auto const* body = find(id);
    if (std::erase(members, body) > 0) no_members_.insert(body);
    for (auto const* m : members) bodies_of_[m] = id;
  }
  [[nodiscard]] std::string const& group_of(task_record const& t) const {
    static std::string const none;
    return no_members_.contains(&t) ? none : t.group;
  }
  [[nodiscard]] std::string const& chord_of(task_record const& t) const {
    auto const at = bodies_of_.find(&t);
    return t.chord.empty() && at != bodies_of_.end() ? at->second : t.chord;
  }
  [[nodiscard]] task_record const* parent_of(task_record const& t) const {
    return t.parent == t.id ? nullptr : find(t.parent);
  }
  // Nearest first.
  [[nodiscard]] tasks_of ancestors(task_record const& t) const {
    tasks_of out;
    for (auto const* p = parent_of(t); p != nullptr && out.size() < longest_way; p = parent_of(*p)) out.push_back(p);
    return out;
  }

  // A group is called by the nearest task that all members come from. A member that ends a chain or a chord is not what
  // was called: that is the first step of it.
  void find_entries(std::string const& id, tasks_of const& members) {
    auto common = ancestors(*members.front());
    std::vector<tasks_of> ways;
    for (auto const* m : members) {
      auto& way = ways.emplace_back(ancestors(*m));
      std::set<task_record const*> const there{way.begin(), way.end()};
      std::erase_if(common, [&](auto const* t) { return !there.contains(t); });
    }
    auto const* caller = common.empty() ? nullptr : common.front();
    callers_[id] = caller;
    for (std::size_t i = 0; i < members.size(); ++i) {
      auto const* entry = members[i];
      std::size_t steps = 0;
      for (auto const* t : ways[i]) {
        if (t == caller) break;
        entry = t, ++steps;
      }
      entries_[entry].emplace(steps, id);
    }
  }

  // What begins with the same task: the group with the longer way to its member is the outer one.
  void find_nesting() {
    for (auto const& [task, groups] : entries_)
      for (auto inner = groups.begin(); inner != groups.end(); ++inner)
        if (auto const outer = std::next(inner); outer != groups.end() && outer->second != inner->second)
          around_[inner->second] = outer->second;
  }

  // `key` is the id of what stands for those that are too many.
  void fold(std::string const& key, tasks_of all) {
    if (all.size() <= most_alike) return;
    std::stable_sort(all.begin(), all.end(), [](auto const* a, auto const* b) {
      return std::pair{!has_failed(*a), a->first} < std::pair{!has_failed(*b), b->first};
    });
    for (auto i = drawn_alike; i < all.size(); ++i) stands_for_[all[i]->id] = key;
  }
  void hide(std::string const& group, std::string const& key) {
    hidden_[group] = key;
    for (auto const* t : groups_.at(group)) stands_for_[t->id] = key;
  }
  // Many groups alike, and what tasks have called that are not drawn.
  void fold_groups() {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> alike;
    for (auto const& [id, members] : groups_)
      if (auto const* caller = callers_.at(id)) alike[{node_of(caller->id), members.front()->name}].push_back(id);
    for (auto const& [key, all] : alike)
      for (auto i = drawn_alike; all.size() > most_alike && i < all.size(); ++i)
        hide(all[i], "groups of " + key.second + " after " + key.first);
    for (bool more = true; more;) {
      more = false;
      for (auto const& [id, members] : groups_) {
        auto const* caller = callers_.at(id);
        if (caller == nullptr || hidden_.contains(id) || !stands_for_.contains(caller->id)) continue;
        hide(id, "groups after " + node_of(caller->id));
        more = true;
      }
    }
  }
  // From the starts on: what is alike below tasks that one node stands for is alike too.
  void fold_children() {
    auto level = starts_;
    std::set<task_record const*> seen{level.begin(), level.end()};
    while (!level.empty()) {
      tasks_of next;
      std::map<std::pair<std::string, std::string>, tasks_of> alike;
      for (auto const* t : level) {
        bool const of_group = groups_.contains(group_of(*t));
        if (!of_group && parent_of(*t) != nullptr) alike[{node_of(t->parent), t->name}].push_back(t);
        for (auto const* child : children_[t->id])
          if (seen.insert(child).second) next.push_back(child);
      }
      for (auto const& [key, all] : alike) fold("more " + key.second + " of " + key.first, all);
      level = std::move(next);
    }
  }

  [[nodiscard]] std::string const& node_of(std::string const& id) const {
    auto const at = stands_for_.find(id);
    return at == stands_for_.end() ? id : at->second;
  }
  [[nodiscard]] std::string known_group(task_record const& t) const {
    return groups_.contains(group_of(t)) && !hidden_.contains(group_of(t)) ? group_of(t) : std::string{};
  }
  [[nodiscard]] graph_node more(std::string const& key, tasks_of const& all) const {
    auto out = summary(key, graph_node::kind_of::more, all);
    auto const* first = all.front();
    auto const same = [&](auto member) {
      return std::all_of(all.begin(), all.end(), [&](auto const* t) { return t->*member == first->*member; });
    };
    if (same(&task_record::group)) out.group = known_group(*first);
    if (same(&task_record::parent)) out.parent = first->parent;
    return out;
  }
  void edge(std::string const& from, std::string const& to) {
    if (from != to && edges_.emplace(from, to).second) out_.edges.emplace_back(from, to);
  }

  void add_edges(task_record const& t) {
    if (!chord_of(t).empty()) edge(node_of(t.id), body_of(t));
    auto const* parent = parent_of(t);
    std::string from;
    if (auto const groups = entries_.find(&t); groups != entries_.end())
      for (auto const& [steps, id] : groups->second)
        if (from.empty() && !hidden_.contains(id)) from = id;
    if (from.empty() && parent != nullptr && chord_of(*parent) != t.id) from = node_of(parent->id);
    if (!from.empty()) edge(from, node_of(t.id));
  }
  void add_group_edges(std::string const& id) {
    auto from = around_.find(id);
    for (int steps = 0; steps < deepest && from != around_.end() && hidden_.contains(from->second); ++steps)
      from = around_.find(from->second);
    auto const* caller = callers_.at(id);
    if (from != around_.end())
      edge(from->second, id);
    else if (caller != nullptr && chord_of(*caller) != id)
      edge(node_of(caller->id), id);
  }

  // What waits for the group of `t`.
  std::string body_of(task_record const& t) {
    auto const& chord = chord_of(t);
    if (find(chord) != nullptr) return node_of(chord);
    if (auto const at = hidden_.find(chord); at != hidden_.end()) return at->second;
    if (groups_.contains(chord)) return chord;
    for (auto const* child : children_[t.id])
      if (child->group == chord) return node_of(child->id);  // a group of one
    auto const [at, fresh] = bodies_.emplace(chord, out_.nodes.size());
    if (fresh) out_.nodes.push_back({chord, {}, state::pending, graph_node::kind_of::body});
    auto& node = out_.nodes[at->second];
    if (t.state == state::failure) node.state = t.state;  // it is failed with its part, and no event says so
    return node.id;
  }

  std::unordered_map<std::string, task_record const*> by_id_;
  tasks_of order_, starts_;
  std::map<std::string, tasks_of> groups_;  // by id; two members at the least
  std::unordered_map<std::string, tasks_of> children_;
  std::set<task_record const*> no_members_;
  std::unordered_map<task_record const*, std::string> bodies_of_;
  std::map<std::string, task_record const*> callers_;
  std::unordered_map<task_record const*, std::set<std::pair<std::size_t, std::string>>> entries_;
  std::unordered_map<std::string, std::string> around_;      // group -> the one that it is in
  std::unordered_map<std::string, std::string> stands_for_;  // task -> what is drawn instead
  std::unordered_map<std::string, std::string> hidden_;      // group -> the same
  std::unordered_map<std::string, std::size_t> bodies_;      // places in out_
  std::set<std::pair<std::string, std::string>> edges_;
  workflow_graph out_;
};

}  // namespace

char const* to_string(graph_node::kind_of k) noexcept {
  switch (k) {
    case graph_node::kind_of::task: return "task";
    case graph_node::kind_of::group: return "group";
    case graph_node::kind_of::more: return "more";
    case graph_node::kind_of::body: return "body";
  }
  return "";
}

workflow_graph graph_of(std::vector<task_record> const& tasks) { return drawing{tasks}.make(); }

}  // namespace lovage::monitor
