#include "monitor/history_rows.hpp"

#include "monitor/event_fields.hpp"
#include "monitor/failure_text.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>

namespace lovage::monitor {
namespace {

constexpr std::size_t most_words = 20'000, first_steps = 20, most_steps = 100;
constexpr int seq_bits = 20;
constexpr std::int64_t seq_mask = (1 << seq_bits) - 1, longest_took = (1LL << 42) - 1;
constexpr char field_end = '\x1f', step_end = '\x1e';

std::string one_field(std::string_view text) {
  std::string out{text};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == field_end || c == step_end; }, ' ');
  return out;
}

std::string_view until(std::string_view& from, char end) {
  auto const at = std::min(from.find(end), from.size());
  auto const out = from.substr(0, at);
  from.remove_prefix(std::min(at + 1, from.size()));
  return out;
}

std::optional<time_point> moment(store::statement& from, int column) {
  if (from.is_null(column)) return std::nullopt;
  return time_point{std::chrono::microseconds{from.integer(column)}};
}

std::string cut(store::statement& from, int column, std::size_t limit) {
  auto const text = from.text(column);
  return text.size() <= limit ? std::string{text} : clean_text(text, limit);
}

}  // namespace

std::string key_of(std::string_view id) {
  if (id.size() != 36) return std::string{id};
  auto const u = uuid::parse(id);
  if (!u || u->str() != id) return std::string{id};
  return std::string{reinterpret_cast<char const*>(u->octets.data()), u->octets.size()};
}

// A text of 16 octets is no id that anybody makes; it would be shown as a UUID, and found all the same.
std::string id_of(std::string_view key) {
  if (key.size() != 16) return std::string{key};
  uuid u;
  std::copy(key.begin(), key.end(), reinterpret_cast<char*>(u.octets.data()));
  return u.str();
}

std::string pack_steps(std::vector<task_step> const& steps) {
  std::string out;
  for (auto const& s : steps) {
    out += std::to_string(s.at.time_since_epoch().count());
    for (auto const* text : {&s.what, &s.worker, &s.text}) out += field_end + one_field(*text);
    out += step_end;
  }
  return out;
}

std::vector<task_step> unpack_steps(std::string_view text) {
  std::vector<task_step> out;
  while (!text.empty()) {
    auto line = until(text, step_end);
    auto const at = until(line, field_end);
    std::int64_t micros = 0;
    std::from_chars(at.data(), at.data() + at.size(), micros);
    task_step s{time_point{std::chrono::microseconds{micros}}, {}, {}, {}};
    for (auto* into : {&s.what, &s.worker, &s.text}) *into = std::string{until(line, field_end)};
    out.push_back(std::move(s));
  }
  return out;
}

void add_step(std::vector<task_step>& to, task_step step) {
  auto at = to.end();
  while (at != to.begin() && std::prev(at)->at > step.at) --at;
  for (auto same = at; same != to.begin() && std::prev(same)->at == step.at; --same)
    if (std::prev(same)->what == step.what && std::prev(same)->worker == step.worker) return;
  to.insert(at, std::move(step));
  if (to.size() > most_steps) to.erase(to.begin() + first_steps);
}

void word_book::note(std::string key, std::string const& text, std::int64_t number) {
  if (texts_.size() >= most_words) clear();
  numbers_[std::move(key)] = number;
  texts_[number] = text;
}

std::optional<std::int64_t> word_book::find(word_kind kind, std::string const& text) {
  auto key = static_cast<char>('0' + static_cast<int>(kind)) + text;
  if (auto const at = numbers_.find(key); owner_ && at != numbers_.end()) return at->second;
  auto ask = on_->prepare("SELECT id FROM word WHERE kind = ? AND text = ?");
  ask.bind(static_cast<int>(kind)).bind(std::string_view{text});
  if (!ask.step()) return std::nullopt;
  auto const number = ask.integer(0);
  note(std::move(key), text, number);
  return number;
}

std::int64_t word_book::number(word_kind kind, std::string const& text) {
  if (text.empty()) return 0;
  if (auto const known = find(kind, text)) return *known;
  auto add = on_->prepare("INSERT INTO word(kind, text) VALUES(?, ?)");
  add.bind(static_cast<int>(kind)).bind(std::string_view{text}).run();
  return *find(kind, text);
}

std::string const& word_book::text(std::int64_t number) {
  static std::string const none;
  if (number == 0) return none;
  if (auto const at = texts_.find(number); at != texts_.end()) return at->second;
  auto ask = on_->prepare("SELECT kind, text FROM word WHERE id = ?");
  ask.bind(number);
  if (!ask.step()) return none;
  std::string const text{ask.text(1)};
  note(static_cast<char>('0' + ask.integer(0)) + text, text, number);
  return texts_[number];
}

std::int64_t failure_number(store::database& on, task_record const& t) {
  if (t.error_group.empty()) return 0;
  auto ask = on.prepare("SELECT id FROM failure WHERE code = ?");
  ask.bind(std::string_view{t.error_group});
  if (ask.step()) return ask.integer(0);
  auto const parts = parts_of_exception(t.exception);
  auto const text = alike_text(parts.message);
  auto const type = clean_text(parts.type, task_record::name_limit);
  auto add = on.prepare("INSERT INTO failure(code, task, type, text) VALUES(?, ?, ?, ?)");
  add.bind(std::string_view{t.error_group}).bind(std::string_view{t.name}).bind(std::string_view{type});
  add.bind(std::string_view{text}).run();
  return on.last_id();
}

task_record read_row(store::statement& from, word_book& words, std::size_t limit) {
  task_record t;
  t.first = first_of(from.integer(1));
  t.state = words.text(from.integer(2));
  t.name = words.text(from.integer(3));
  t.worker = words.text(from.integer(4));
  t.queue = words.text(from.integer(5));
  t.id = id_of(from.blob(6));
  t.root = from.is_null(7) ? t.id : id_of(from.blob(7));
  t.parent = id_of(from.blob(8));
  int column = 9;
  for (auto* text : {&t.args, &t.kwargs, &t.result, &t.exception, &t.traceback}) *text = cut(from, column++, limit);
  for (auto* at : {&t.sent, &t.received, &t.started, &t.succeeded, &t.failed, &t.retried, &t.revoked, &t.rejected,
                   &t.eta, &t.expires})
    *at = moment(from, column++);
  t.updated = moment(from, column++).value_or(time_point{});
  if (!from.is_null(column)) t.runtime = sqlite3_column_double(from.raw(), column);
  ++column;
  t.retries = from.integer(column++);
  t.clock = from.integer(column++);
  for (auto* text : {&t.exchange, &t.routing_key, &t.client, &t.signum, &t.error_group, &t.chord, &t.stamps})
    *text = std::string{from.text(column++)};
  t.group = id_of(from.blob(column));
  return t;
}

std::int64_t first_key(time_point first, std::int64_t seq) {
  return std::chrono::floor<std::chrono::milliseconds>(first).time_since_epoch().count() << seq_bits | (seq & seq_mask);
}

time_point first_of(std::int64_t key) { return time_point{std::chrono::milliseconds{key >> seq_bits}}; }

std::int64_t took_key(task_record const& t, std::int64_t seq) {
  auto const end = t.ended();
  if (!end) return -1;
  std::int64_t micros = -1;
  if (t.started && *end >= *t.started) micros = (*end - *t.started).count();
  if (t.runtime && t.state == state::success) micros = static_cast<std::int64_t>(std::min(*t.runtime, 1e12) * 1e6);
  return micros < 0 ? -1 : std::min(micros, longest_took) << seq_bits | (seq & seq_mask);
}

std::string tags_of(std::int64_t name, std::int64_t worker, std::int64_t queue, std::int64_t error, std::int64_t state,
                    bool ended) {
  std::string out = ended ? "s" + std::to_string(state) : std::string{"sopen"};
  auto const add = [&](char kind, std::int64_t number) {
    if (number != 0) out += std::string{" "} + kind + std::to_string(number);
  };
  add('n', name), add('w', worker), add('q', queue), add('e', error);
  return out;
}

}  // namespace lovage::monitor
