#include "monitor/history_writer.hpp"

#include "monitor/event_fields.hpp"
#include "monitor/search_text.hpp"
#include "monitor/task_fold.hpp"

#include <functional>

namespace lovage::monitor {
namespace {

constexpr std::size_t most_recent = 10'000, most_octets = 64 << 20;

void bind(store::statement& to, std::optional<time_point> const& t) {
  t ? to.bind(t->time_since_epoch().count()) : to.bind_null();
}
void bind_text(store::statement& to, std::string const& text) {
  text.empty() ? to.bind_null() : to.bind(std::string_view{text});
}
void bind_key(store::statement& to, std::string const& key) { key.empty() ? to.bind_null() : to.bind_blob(key); }

std::size_t size_of(task_record const& t, std::vector<task_step> const& steps) {
  std::size_t n = 1024 + t.args.size() + t.kwargs.size() + t.result.size() + t.exception.size() + t.traceback.size();
  for (auto const& s : steps) n += 128 + s.text.size();
  return n;
}

std::size_t hash_of(task_record const& t, std::string const& tags) {
  std::size_t h = std::hash<std::string>{}(tags);
  for (auto const* text : {&t.name, &t.args, &t.kwargs, &t.result, &t.exception, &t.traceback})
    h = h * 31 + std::hash<std::string>{}(*text);
  return h;
}

}  // namespace

task_record brief(task_record t) {
  t.traceback.clear();
  for (auto* text : {&t.args, &t.kwargs, &t.result, &t.exception})
    if (text->size() > brief_limit) *text = clean_text(*text, brief_limit);
  return t;
}

std::vector<task_record> history_writer::add(std::span<wire::event const> events) {
  store::transaction all{on_};
  auto const arrived = now_();
  std::vector<entry*> changed;
  for (auto const& e : events) {
    if (!is_of_task(e)) continue;
    auto& known = find(task_id_of(e));
    if (!fold(known.t, e, arrived)) continue;
    add_step(known.steps, step_of(e, arrived));
    if (!std::exchange(known.changed, true)) changed.push_back(&known);
  }
  std::vector<task_record> out;
  out.reserve(changed.size());
  for (auto* e : changed) {
    write(*e);
    e->changed = false;
    out.push_back(brief(e->t));
  }
  all.commit();
  shrink();
  return out;
}

history_writer::entry& history_writer::find(std::string const& id) {
  if (auto const at = by_id_.find(id); at != by_id_.end()) {
    recent_.splice(recent_.begin(), recent_, at->second);
    return *at->second;
  }
  entry fresh;
  fresh.t.id = id;
  load(fresh);
  recent_.push_front(std::move(fresh));
  by_id_[id] = recent_.begin();
  return recent_.front();
}

bool history_writer::load(entry& into) {
  static std::string const sql =
      std::string{"SELECT "} + row_columns + ", b.steps, t.error FROM task t JOIN body b USING (seq) WHERE t.id = ?";
  auto const key = key_of(into.t.id);
  auto ask = on_.prepare(sql.c_str());
  ask.bind_blob(key);
  if (!ask.step()) return false;
  into.t = read_row(ask, words_);
  into.seq = ask.integer(0);
  into.steps = unpack_steps(ask.text(row_width));
  into.octets = size_of(into.t, into.steps);
  octets_ += into.octets;
  auto const tags = tags_of(ask.integer(3), ask.integer(4), ask.integer(5), ask.integer(row_width + 1), ask.integer(2),
                            into.t.has_ended());
  into.indexed = hash_of(into.t, tags);
  return true;
}

void history_writer::write(entry& e) {
  auto const& t = e.t;
  auto const state = words_.number(word_kind::state, t.state), name = words_.number(word_kind::task, t.name);
  auto const worker = words_.number(word_kind::worker, t.worker), queue = words_.number(word_kind::queue, t.queue);
  auto const error = failure_number(on_, t);
  auto const tags = tags_of(name, worker, queue, error, state, t.has_ended());
  auto const hash = hash_of(t, tags);
  bool const fresh = e.seq == 0;
  if (!fresh && hash != e.indexed) unindex(e.seq);
  auto const id = key_of(t.id), root = t.root == t.id ? std::string{} : key_of(t.root), parent = key_of(t.parent);
  auto const group = key_of(t.group);
  if (fresh) {
    auto last = on_.prepare("SELECT max(seq) FROM task");
    e.seq = last.step() ? last.integer(0) + 1 : 1;
  }
  auto put = on_.prepare(
      "INSERT INTO task(seq, first, state, name, worker, queue, error, took, id, root, parent, grp) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(seq) DO UPDATE SET state = excluded.state, "
      "name = excluded.name, worker = excluded.worker, queue = excluded.queue, error = excluded.error, "
      "took = excluded.took, root = excluded.root, parent = excluded.parent, grp = excluded.grp");
  put.bind(e.seq).bind(first_key(t.first, e.seq)).bind(state).bind(name).bind(worker).bind(queue).bind(error);
  put.bind(took_key(t, e.seq)).bind_blob(id);
  bind_key(put, root), bind_key(put, parent), bind_key(put, group);
  put.run();
  write_body(e);
  if (fresh || hash != e.indexed) index(e, tags);
  e.indexed = hash;
  octets_ -= e.octets;
  e.octets = size_of(t, e.steps);
  octets_ += e.octets;
}

void history_writer::write_body(entry const& e) {
  auto const& t = e.t;
  auto const steps = pack_steps(e.steps);
  auto put = on_.prepare(
      "INSERT OR REPLACE INTO body(seq, args, kwargs, result, exception, traceback, sent, received, started, "
      "succeeded, "
      "failed, retried, revoked, rejected, eta, expires, updated, runtime, retries, clock, exchange, routing_key, "
      "client, signum, steps, chord, stamps) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?, ?, ?, ?)");
  put.bind(e.seq);
  for (auto const* text : {&t.args, &t.kwargs, &t.result, &t.exception, &t.traceback}) bind_text(put, *text);
  for (auto const* at : {&t.sent, &t.received, &t.started, &t.succeeded, &t.failed, &t.retried, &t.revoked, &t.rejected,
                         &t.eta, &t.expires})
    bind(put, *at);
  put.bind(t.updated.time_since_epoch().count());
  t.runtime ? put.bind_real(*t.runtime) : put.bind_null();
  put.bind(t.retries).bind(t.clock);
  for (auto const* text : {&t.exchange, &t.routing_key, &t.client, &t.signum, &steps, &t.chord, &t.stamps})
    bind_text(put, *text);
  put.run();
}

void history_writer::index(entry const& e, std::string const& tags) {
  auto put = on_.prepare(
      "INSERT INTO words(rowid, name, args, kwargs, result, exception, traceback, tags) VALUES(?, ?, ?, ?, ?, ?, ?, "
      "?)");
  std::vector<std::string> texts;
  texts.reserve(6);
  put.bind(e.seq);
  for (auto const* text : {&e.t.name, &e.t.args, &e.t.kwargs, &e.t.result, &e.t.exception, &e.t.traceback})
    put.bind(std::string_view{texts.emplace_back(indexed_text(*text))});
  put.bind(std::string_view{tags}).run();
}

// The index keeps no texts: to take a row out of it, what was put in is said again.
void history_writer::unindex(std::int64_t row) {
  auto ask = on_.prepare(
      "SELECT t.state, t.name, t.worker, t.queue, t.error, b.args, b.kwargs, b.result, b.exception, b.traceback "
      "FROM task t JOIN body b USING (seq) WHERE t.seq = ?");
  ask.bind(row);
  if (!ask.step()) return;
  auto const tags = tags_of(ask.integer(1), ask.integer(2), ask.integer(3), ask.integer(4), ask.integer(0),
                            state::is_end(words_.text(ask.integer(0))));
  std::vector<std::string> texts;
  texts.push_back(indexed_text(words_.text(ask.integer(1))));
  for (int column = 5; column < 10; ++column) texts.push_back(indexed_text(ask.text(column)));
  auto take = on_.prepare(
      "INSERT INTO words(words, rowid, name, args, kwargs, result, exception, traceback, tags) "
      "VALUES('delete', ?, ?, ?, ?, ?, ?, ?, ?)");
  take.bind(row);
  for (auto const& text : texts) take.bind(std::string_view{text});
  take.bind(std::string_view{tags}).run();
}

void history_writer::remove(std::span<std::int64_t const> rows) {
  for (auto const row : rows) {
    std::string id;
    {
      auto ask = on_.prepare("SELECT id FROM task WHERE seq = ?");
      ask.bind(row);
      if (!ask.step()) continue;
      id = id_of(ask.blob(0));
    }
    unindex(row);
    for (auto const* sql : {"DELETE FROM task WHERE seq = ?", "DELETE FROM body WHERE seq = ?"})
      on_.prepare(sql).bind(row).run();
    if (auto const at = by_id_.find(id); at != by_id_.end()) {
      octets_ -= at->second->octets;
      recent_.erase(at->second);
      by_id_.erase(at);
    }
  }
}

void history_writer::remove_unused_words() {
  for (auto const* sql :
       {"DELETE FROM word WHERE kind = 1 AND NOT EXISTS (SELECT 1 FROM task WHERE name = word.id)",
        "DELETE FROM word WHERE kind = 2 AND NOT EXISTS (SELECT 1 FROM task WHERE worker = word.id)",
        "DELETE FROM word WHERE kind = 3 AND NOT EXISTS (SELECT 1 FROM task WHERE queue = word.id AND queue > 0)",
        "DELETE FROM failure WHERE NOT EXISTS (SELECT 1 FROM task WHERE error = failure.id AND error > 0)"})
    on_.prepare(sql).run();
  words_.clear();
}

void history_writer::forget() {
  recent_.clear();
  by_id_.clear();
  words_.clear();
  octets_ = 0;
}

void history_writer::shrink() {
  while (recent_.size() > most_recent || (octets_ > most_octets && !recent_.empty())) {
    octets_ -= recent_.back().octets;
    by_id_.erase(recent_.back().t.id);
    recent_.pop_back();
  }
}

}  // namespace lovage::monitor
