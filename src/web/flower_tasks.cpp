// Flower's API of tasks that were seen: /api/tasks, /api/task/info, /api/task/types, /api/queues/length.
#include "web/flower.hpp"
#include "web/views.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <set>

namespace lovage::web {
namespace {

constexpr std::size_t flower_most_tasks = 10'000;  // as Flower keeps at most, unless told otherwise

// "2026-11-30 14:00", local time.
std::optional<time_point> local_moment(std::optional<std::string> const& text, char const* name) {
  if (!text || text->empty()) return std::nullopt;
  std::tm tm{};
  tm.tm_isdst = -1;
  int used = 0;
  bool const read = std::sscanf(text->c_str(), "%4d-%2d-%2d %2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                                &tm.tm_hour, &tm.tm_min, &used) == 5;
  if (!read || static_cast<std::size_t>(used) != text->size())
    throw error{errc::invalid_argument, std::string{name} + " is written as 2026-11-30 14:00", name};
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  return time_of(static_cast<double>(std::mktime(&tm)));
}

std::string word_unless_all(request const& r, char const* name) {
  auto out = flower::argument(r, name).value_or("");
  return out == "All" ? std::string{} : out;
}

monitor::task_filter flower_filter(site& s, request const& r) {
  monitor::task_filter out;
  out.worker = word_unless_all(r, "workername");
  out.name = word_unless_all(r, "taskname");
  if (auto state = word_unless_all(r, "state"); !state.empty()) out.states = {std::move(state)};
  out.from = local_moment(flower::argument(r, "received_start"), "received_start");
  out.to = local_moment(flower::argument(r, "received_end"), "received_end");
  out.text = s.with.mask_arguments ? std::string{} : flower::argument(r, "search").value_or("");
  return out;
}

std::vector<monitor::task_record> pages_of(site& s, monitor::task_filter const& which, std::size_t most) {
  std::vector<monitor::task_record> out;
  std::string cursor;
  do {
    auto page = s.eyes.kept()
                    .find(which, monitor::task_order::newest, std::min<std::size_t>(1'000, most - out.size()), cursor,
                          site::soon())
                    .value();
    std::move(page.tasks.begin(), page.tasks.end(), std::back_inserter(out));
    cursor = std::move(page.next);
  } while (!cursor.empty() && out.size() < most);
  return out;
}

void sort_tasks(std::vector<monitor::task_record>& tasks, std::string word) {
  bool const down = word.starts_with('-');
  if (down) word.erase(0, 1);
  using record = monitor::task_record;
  auto const by = [&](auto key) {
    std::stable_sort(tasks.begin(), tasks.end(),
                     [&](record const& a, record const& b) { return down ? key(b) < key(a) : key(a) < key(b); });
  };
  if (word == "name") return by([](record const& t) { return t.name; });
  if (word == "state") return by([](record const& t) { return t.state; });
  if (word == "received") return by([](record const& t) { return t.received.value_or(time_point{}); });
  if (word == "started") return by([](record const& t) { return t.started.value_or(time_point{}); });
  throw error{errc::invalid_argument, "sort_by must be name, state, received or started", "sort_by"};
}

response flower_list(site& s, request const& r) {
  auto const limit = flower::number(r, "limit"), offset = flower::number(r, "offset");
  auto const skip = static_cast<std::size_t>(std::max(0., offset.value_or(0)));
  auto const most = limit && *limit >= 1 ? static_cast<std::size_t>(*limit) : flower_most_tasks;
  auto const sort = flower::argument(r, "sort_by").value_or("");
  auto tasks =
      pages_of(s, flower_filter(s, r), sort.empty() ? std::min(flower_most_tasks, skip + most) : flower_most_tasks);
  if (!sort.empty()) sort_tasks(tasks, sort);
  value::map out;
  for (std::size_t i = skip; i < tasks.size() && out.size() < most; ++i) {
    // Pages of the history are without tracebacks, and their texts are cut.
    if (!tasks[i].exception.empty())
      if (auto whole = s.eyes.kept().task(tasks[i].id, site::soon()); whole && *whole) tasks[i] = **std::move(whole);
    out.push_back({tasks[i].id, flower::task_map(tasks[i], s.with.mask_arguments)});
  }
  return json_response(out);
}

response flower_info(site& s, request const& r) {
  std::string const id{r.parameters.get("taskid")};
  auto const t = s.eyes.kept().task(id, site::soon()).value();
  if (!t) return flower::refuse(404, "Unknown task '" + id + "'");
  auto out = flower::task_map(*t, s.with.mask_arguments);
  auto const children = s.eyes.kept().children(id, site::soon()).value();
  *out.find("children") = list_value(children, [](auto const& c) { return value{c.id}; });
  return json_response(out);
}

response flower_lengths(site& s) {
  std::set<std::string> names;
  auto const now = s.eyes.latest();
  for (auto const& w : now->workers)
    if (w.said)
      for (auto const& q : w.said->queues()) names.insert(q);
  if (names.empty()) {
    names.insert(s.on.settings().task_default_queue());
    for (auto const& q : s.on.settings().task_queues()) names.insert(q.name_);
  }
  auto const depths = s.inspector()->queues().value();
  value::list out;
  for (auto const& name : names) {
    std::uint64_t ready = 0;
    for (auto const& q : depths)
      if (q.name.str() == name) ready = q.ready;
    out.push_back(value::map{{"name", name}, {"messages", ready}});
  }
  return json_response(value::map{{"active_queues", std::move(out)}});
}

}  // namespace

void add_flower_task_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/tasks",
          .serve = [&s](request const& r) { return flower_list(s, r); },
          .summary = "Tasks by id",
          .takes = {"limit: at most so many", "offset: without the first ones",
                    "sort_by: name, state, received, started, each also with - before it", "workername: of this worker",
                    "taskname: of this name", "state: in this state", "received_start: 2026-11-30 14:00",
                    "received_end: 2026-11-30 15:00", "search: words"},
          .flower = true});
  to.add({.method = "GET",
          .pattern = "/api/task/types",
          .serve =
              [&s](request const&) {
                auto const names = s.eyes.kept().names(site::soon()).value();
                return json_response(value::map{{"task-types", names_value(names)}});
              },
          .summary = "Names of tasks that were seen",
          .flower = true});
  to.add({.method = "GET",
          .pattern = "/api/queues/length",
          .serve = [&s](request const&) { return flower_lengths(s); },
          .summary = "Messages that wait, of each queue that workers take from",
          .flower = true});
  to.add({.method = "GET",
          .pattern = "/api/task/info/{taskid+}",
          .serve = [&s](request const& r) { return flower_info(s, r); },
          .summary = "One task",
          .flower = true});
}

}  // namespace lovage::web
