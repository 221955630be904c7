#include "cli/schedule_text.hpp"

#include "beat/entry.hpp"
#include "cli/print.hpp"
#include "cli/session.hpp"
#include "cli/text_table.hpp"
#include "config/parse_value.hpp"

namespace lovage::cli {
namespace {

value moment_value(std::optional<time_point> at) { return at ? value{moment_text(*at)} : value{}; }
std::string moment_cell(std::optional<time_point> at) { return at ? moment_text(*at) : "-"; }

// Without the line's end.
std::string json_text(value const& v) {
  auto out = json_line(v);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace

value periodic_value(periodic_task const& t) {
  value::map out{{"name", t.name},
                 {"schedule", t.schedule},
                 {"words", t.words},
                 {"task", t.task},
                 {"args", t.args},
                 {"kwargs", t.kwargs},
                 {"options", t.options},
                 {"origin", t.origin},
                 {"enabled", t.enabled},
                 {"last_run_at", moment_value(t.last_run_at)},
                 {"next_run_at", moment_value(t.next_run_at)},
                 {"total_run_count", t.total_run_count}};
  for (auto& item : beats::option_map(t.with)) out.push_back(std::move(item));
  return value{std::move(out)};
}

std::string periodic_table(std::vector<periodic_task> const& all) {
  std::vector<text_row> rows;
  for (auto const& t : all)
    rows.push_back({printable(t.name), t.schedule, printable(t.task), moment_cell(t.last_run_at),
                    t.enabled ? moment_cell(t.next_run_at) : "paused", std::to_string(t.total_run_count)});
  return format_table({"NAME", "SCHEDULE", "TASK", "LAST RUN", "NEXT RUN", "RUNS"}, rows, "lllllr");
}

std::string periodic_text(periodic_task const& t) {
  std::string out;
  auto const line = [&](std::string label, std::string const& text) {
    label.resize(12, ' ');
    out += label + printable(text) + "\n";
  };
  line("name", t.name);
  line("schedule", t.schedule + " (" + t.words + ")");
  line("task", t.task);
  line("args", json_text(value{t.args}));
  if (!t.kwargs.empty()) line("kwargs", json_text(value{t.kwargs}));
  for (auto const& [key, v] : t.options) line(key, json_text(v));
  for (auto const& [key, v] : beats::option_map(t.with)) line(key, json_text(v));
  line("from", t.origin);
  line("last run", moment_cell(t.last_run_at));
  line("next run", t.enabled ? moment_cell(t.next_run_at) : "paused");
  line("runs", std::to_string(t.total_run_count));
  return out;
}

std::string next_text(periodic_task const& t) {
  return t.next_run_at ? "; runs next at " + moment_text(*t.next_run_at) : std::string{};
}

value heat_value(heat_map const& of) {
  value::list minutes, pile_ups, quiet;
  for (auto const n : of.per_minute) minutes.emplace_back(n);
  for (auto const& p : of.pile_ups) {
    value::list names;
    for (auto const& name : p.entries) names.emplace_back(name);
    pile_ups.emplace_back(
        value::map{{"at", moment_text(p.at)}, {"runs", p.runs}, {"entries", std::move(names)}, {"more", p.more}});
  }
  for (auto const& q : of.quiet)
    quiet.emplace_back(value::map{{"from", moment_text(q.from)}, {"until", moment_text(q.until)}, {"runs", q.runs}});
  return value{value::map{{"begin", moment_text(of.begin)},
                          {"runs", of.runs},
                          {"per_minute", std::move(minutes)},
                          {"pile_ups", std::move(pile_ups)},
                          {"quiet", std::move(quiet)}}};
}

value duration_value(std::string const& option, std::string const& text) {
  auto const s = settings::parse_seconds(text);
  if (!s) throw usage_error{option + " takes a duration such as 90, 10s, 5m or 1h30m, not '" + text + "'"};
  return value{*s};
}

}  // namespace lovage::cli
