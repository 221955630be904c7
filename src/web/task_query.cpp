#include "web/task_query.hpp"

#include "web/site.hpp"
#include "web/views.hpp"

#include <algorithm>
#include <iterator>

namespace lovage::web {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto const end = text.find(',');
    if (end != 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

// Events do not tell which entry sent a task; the name is what they have in common.
void narrow_to_periodic(site& s, std::string const& entry, monitor::task_filter& out) {
  auto const t = s.schedule().find(entry);
  if (!t)
    throw error{errc::not_registered, "there is no periodic task of this name; GET /api/v1/schedule lists them", entry};
  if (!out.name.empty() && out.name != t->task)
    throw error{errc::invalid_argument, "this periodic task sends '" + t->task + "'; leave `name` out", "name"};
  out.name = t->task;
}

}  // namespace

monitor::task_filter filter_of(site& s, fields const& q) {
  monitor::task_filter out;
  out.states = words_of(q.get("state"));
  out.name = q.get("name");
  out.worker = q.get("worker");
  out.queue = q.get("queue");
  out.text = q.get("q");
  out.error_group = q.get("error");
  out.root = q.get("root");
  out.group = q.get("group");
  if (auto const at = number_of(q, "from")) out.from = time_of(*at);
  if (auto const at = number_of(q, "to")) out.to = time_of(*at);
  if (auto const entry = std::string{q.get("periodic")}; !entry.empty()) narrow_to_periodic(s, entry, out);
  if (s.with.mask_arguments && !out.text.empty())
    throw error{errc::invalid_argument, "texts are not searched while arguments are masked (web_mask_arguments)", "q"};
  return out;
}

monitor::task_filter filter_of(site& s, value::map const& m) {
  fields as_query;
  for (auto const& [key, v] : m) {
    std::string text;
    if (auto const* word = v.get_if<std::string>()) text = *word;
    if (auto const* n = v.get_if<std::int64_t>()) text = std::to_string(*n);
    if (auto const* d = v.get_if<double>()) text = std::to_string(*d);
    if (auto const* all = v.get_if<value::list>())
      for (auto const& each : *all)
        if (auto const* word = each.get_if<std::string>()) text += (text.empty() ? "" : ",") + *word;
    static constexpr std::string_view known[] = {"state", "name", "worker", "queue", "q",     "from",     "to",
                                                 "error", "root", "group",  "order", "limit", "periodic", "cursor"};
    bool const is_known = std::find(std::begin(known), std::end(known), key) != std::end(known);
    // What is misspelt would match everything.
    if (!is_known) throw error{errc::invalid_argument, "tasks cannot be chosen by '" + key + "'", "matching"};
    as_query.add(key, std::move(text));
  }
  return filter_of(s, as_query);
}

}  // namespace lovage::web
