// Questions to the history that are no search.
#include "monitor/history_file.hpp"

#include <algorithm>
#include <set>

namespace lovage::monitor {
namespace {

constexpr std::int64_t most_children = 1'000, most_of_workflow = 10'000, most_groups = 500, most_names = 10'000;

// Each says what its index is for: only rows that have one are in it.
constexpr char const* of_parent =
    "SELECT seq FROM task INDEXED BY by_parent WHERE parent = ? AND parent IS NOT NULL ORDER BY first LIMIT ?";
constexpr char const* of_root =
    "SELECT seq FROM task INDEXED BY by_root WHERE root = ? AND root IS NOT NULL ORDER BY first LIMIT ?";
constexpr char const* of_group =
    "SELECT seq FROM task INDEXED BY by_group WHERE grp = ? AND grp IS NOT NULL ORDER BY first LIMIT ?";

std::vector<std::string> texts(store::database& on, word_kind kind) {
  std::vector<std::string> out;
  auto ask = on.prepare("SELECT text FROM word WHERE kind = ? ORDER BY text LIMIT ?");
  ask.bind(static_cast<int>(kind)).bind(most_names);
  while (ask.step()) out.emplace_back(ask.text(0));
  return out;
}

void fill_example(store::database& on, word_book& words, std::int64_t number, failure_group& g) {
  auto newest =
      on.prepare("SELECT id FROM task INDEXED BY by_error WHERE error = ? AND error > 0 ORDER BY first DESC LIMIT 1");
  newest.bind(number);
  if (newest.step()) g.example = id_of(newest.blob(0));
  auto who = on.prepare("SELECT DISTINCT worker FROM task INDEXED BY by_error WHERE error = ? AND error > 0 LIMIT 10");
  who.bind(number);
  while (who.step())
    if (auto const& name = words.text(who.integer(0)); !name.empty()) g.workers.push_back(name);
  std::sort(g.workers.begin(), g.workers.end());
}

}  // namespace

std::vector<task_record> history_file::list(reader& r, char const* sql, std::string const& key, std::int64_t most) {
  std::vector<std::int64_t> rows;
  {
    auto ask = r.on.prepare(sql);
    ask.bind_blob(key).bind(most);
    while (ask.step()) rows.push_back(ask.integer(0));
  }
  std::vector<task_record> out;
  for (auto const seq : rows)
    if (auto t = row(r, seq, brief_limit)) out.push_back(brief(*std::move(t)));
  return out;
}

std::optional<task_record> history_file::row(reader& r, std::int64_t seq, std::size_t limit) {
  static std::string const sql =
      std::string{"SELECT "} + row_columns + " FROM task t JOIN body b USING (seq) WHERE t.seq = ?";
  auto ask = r.on.prepare(sql.c_str());
  ask.bind(seq);
  return ask.step() ? std::optional{read_row(ask, r.words, limit)} : std::nullopt;
}

std::optional<std::int64_t> history_file::row_of(reader& r, std::string const& id) {
  auto const key = key_of(id);
  auto ask = r.on.prepare("SELECT seq FROM task WHERE id = ?");
  ask.bind_blob(key);
  return ask.step() ? std::optional{ask.integer(0)} : std::nullopt;
}

expected<std::optional<task_record>> history_file::task(std::string const& id, deadline until) {
  return read(until, [&](reader& r) {
    auto const seq = row_of(r, id);
    return seq ? row(r, *seq, task_record::text_limit) : std::nullopt;
  });
}

expected<std::vector<task_step>> history_file::timeline(std::string const& id, deadline until) {
  return read(until, [&](reader& r) -> std::vector<task_step> {
    auto const seq = row_of(r, id);
    if (!seq) return {};
    auto ask = r.on.prepare("SELECT steps FROM body WHERE seq = ?");
    ask.bind(*seq);
    return ask.step() ? unpack_steps(ask.text(0)) : std::vector<task_step>{};
  });
}

expected<std::vector<task_record>> history_file::children(std::string const& id, deadline until) {
  return read(until, [&](reader& r) { return list(r, of_parent, key_of(id), most_children); });
}

// Its own root, a task has none in the file.
expected<std::vector<task_record>> history_file::workflow(std::string const& id, deadline until) {
  return read(until, [&](reader& r) {
    std::vector<task_record> out;
    std::set<std::string> known, roots, groups;
    auto const add = [&](std::vector<task_record> more) {
      for (auto& t : more)
        if (out.size() < most_of_workflow && known.insert(t.id).second) out.push_back(std::move(t));
    };
    auto const add_one = [&](std::string const& of) {
      if (known.contains(of)) return;
      if (auto const seq = row_of(r, of))
        if (auto t = row(r, *seq, brief_limit)) add({brief(*std::move(t))});
    };
    auto const add_group = [&](std::string const& of) {
      if (!of.empty() && groups.insert(of).second) add(list(r, of_group, key_of(of), most_of_workflow));
    };
    add_one(id);
    for (std::size_t i = 0; i < out.size() && out.size() < most_of_workflow; ++i) {
      auto const root = out[i].root, group = out[i].group, chord = out[i].chord;
      if (roots.insert(root).second) {
        add_one(root);
        add(list(r, of_root, key_of(root), most_of_workflow));
      }
      add_group(group);
      if (chord.empty() || groups.contains(chord)) continue;
      add_one(chord);
      add_group(chord);
    }
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
    return out;
  });
}

expected<std::vector<failure_group>> history_file::failures(time_point since, deadline until) {
  return read(until, [&](reader& r) {
    std::vector<std::pair<std::int64_t, failure_group>> all;
    auto ask = r.on.prepare(
        "SELECT n.error, n.many, n.low, n.high, f.code, f.task, f.type, f.text FROM (SELECT error, count(*) AS many, "
        "min(first) AS low, max(first) AS high FROM task INDEXED BY by_error WHERE error > 0 AND first >= ?1 "
        "GROUP BY error ORDER BY many DESC LIMIT ?2) n JOIN failure f ON f.id = n.error ORDER BY n.many DESC");
    ask.bind(first_key(since)).bind(most_groups);
    while (ask.step()) {
      failure_group g;
      g.count = static_cast<std::uint64_t>(ask.integer(1));
      g.first = first_of(ask.integer(2)), g.last = first_of(ask.integer(3));
      g.id = ask.text(4), g.task = ask.text(5), g.type = ask.text(6), g.text = ask.text(7);
      all.emplace_back(ask.integer(0), std::move(g));
    }
    std::vector<failure_group> out;
    for (auto& [number, g] : all) {
      fill_example(r.on, r.words, number, g);
      out.push_back(std::move(g));
    }
    return out;
  });
}

expected<std::vector<std::string>> history_file::names(deadline until) {
  return read(until, [](reader& r) { return texts(r.on, word_kind::task); });
}
expected<std::vector<std::string>> history_file::workers(deadline until) {
  return read(until, [](reader& r) { return texts(r.on, word_kind::worker); });
}
expected<std::vector<std::string>> history_file::queues(deadline until) {
  return read(until, [](reader& r) { return texts(r.on, word_kind::queue); });
}

// Those that were sent and not received, of which there are few where messages do not pile up.
expected<std::optional<time_point>> history_file::oldest_waiting(std::string const& queue, deadline until) {
  return read(until, [&](reader& r) -> std::optional<time_point> {
    auto const number = r.words.find(word_kind::queue, queue);
    auto const state = r.words.find(word_kind::state, state::pending);
    if (!number || !state) return std::nullopt;
    auto ask =
        r.on.prepare("SELECT first FROM task INDEXED BY by_state WHERE state = ? AND queue = ? ORDER BY first LIMIT 1");
    ask.bind(*state).bind(*number);
    return ask.step() ? std::optional{first_of(ask.integer(0))} : std::nullopt;
  });
}

}  // namespace lovage::monitor
