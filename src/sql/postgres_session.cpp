#include "sql/postgres_session.hpp"

#include "io/polling.hpp"
#include "sql/placeholders.hpp"
#include "sql/postgres_cells.hpp"
#include "sql/postgres_errors.hpp"
#include "sql/postgres_types.hpp"
#include "sql/sqlstate.hpp"

#include <libpq-fe.h>

#include <algorithm>

namespace lovage::sql {
namespace {

std::string quoted_name(std::string_view name) {
  std::string out = "\"";
  for (char const c : name) out += c == '"' ? std::string{"\"\""} : std::string{c};
  return out + '"';
}

struct result_end {
  void operator()(pg_result* r) const noexcept { PQclear(r); }
};
using result_holder = std::unique_ptr<pg_result, result_end>;

void read_cells(postgres_rows const& from, result& into) {
  auto* const of = from.raw();
  auto const columns = PQnfields(of);
  for (std::size_t r = 0; r < from.size(); ++r) {
    row one;
    for (int c = 0; c < columns; ++c)
      one.push_back(from.is_null(r, c) ? cell{} : to_cell(PQftype(of, c), from.text(r, c)));
    into.rows.push_back(std::move(one));
  }
  into.changed += from.changed();
}

}  // namespace

/// As libpq takes the values of one statement.
struct postgres_session::wire_values {
  std::vector<char const*> values;
  std::vector<int> lengths, formats;
  std::vector<unsigned> types;
  void add(char const* value, std::size_t length, bool binary, unsigned type) {
    values.push_back(value);
    lengths.push_back(static_cast<int>(length));
    formats.push_back(binary ? 1 : 0);
    types.push_back(type);
  }
};

postgres_session::~postgres_session() { end(); }

void postgres_session::end() noexcept {
  if (on_ != nullptr) PQfinish(std::exchange(on_, nullptr));
  statements_.clear();
}

failure postgres_session::lost(errc why, std::string detail) {
  end();
  return fail(why, std::move(detail), where_);
}

failure postgres_session::failed(pg_result const* of) {
  auto const field = [&](int which) {
    auto const* const text = PQresultErrorField(of, which);
    return std::string{text == nullptr ? "" : text};
  };
  auto const state = field(PG_DIAG_SQLSTATE);
  auto text = field(PG_DIAG_MESSAGE_PRIMARY);
  if (state.empty() || PQstatus(on_) == CONNECTION_BAD) return broken();
  if (auto const more = field(PG_DIAG_MESSAGE_DETAIL); !more.empty()) text += ": " + more;
  if (auto const hint = field(PG_DIAG_MESSAGE_HINT); !hint.empty()) text += "; " + hint;
  auto const code = code_of_sqlstate(state);
  // What was prepared is gone: a pooler stands between that does not keep one server for a session.
  if (state == "26000") return lost(errc::bad_config, text + "; connect past the pooler, or let it pool sessions");
  if (state.starts_with("57P")) return lost(code, text);
  return fail(code, text + std::string{fix_of_sqlstate(state)}, where_);
}

postgres_session::statement& postgres_session::statement_of(char how, std::string_view text) {
  auto& out = statements_[how + std::string{text}];
  if (out.name.empty()) out.name = "lovage" + std::to_string(++named_);
  return out;
}

failure postgres_session::broken() {
  return lost(errc::unavailable, "the connection is lost: " + flat_text(PQerrorMessage(on_)));
}

expected<void> postgres_session::enter_pipeline() {
  if (on_ == nullptr) return fail(errc::unavailable, "the connection is lost", where_);
  if (PQenterPipelineMode(on_) == 0) return broken();
  preparing_.clear();
  answers_.clear();
  syncs_ = 0;
  return {};
}

expected<void> postgres_session::send(statement& to, std::string_view text, wire_values const& v, int result_format) {
  auto const count = static_cast<int>(v.values.size());
  if (!to.prepared && std::find(preparing_.begin(), preparing_.end(), &to) == preparing_.end()) {
    if (PQsendPrepare(on_, to.name.c_str(), std::string{text}.c_str(), count, v.types.data()) != 1) return broken();
    preparing_.push_back(&to);
    answers_.push_back(false);
  }
  if (PQsendQueryPrepared(on_, to.name.c_str(), count, v.values.data(), v.lengths.data(), v.formats.data(),
                          result_format) != 1)
    return broken();
  answers_.push_back(true);
  return {};
}

// Writes and reads at once: a server whose answers nobody reads stops to read.
expected<void> postgres_session::wait_for_result(deadline until) {
  while (true) {
    auto const unsent = PQflush(on_);
    if (unsent < 0) return broken();
    if (PQisBusy(on_) == 0) return {};
    if (!io::wait_for(PQsocket(on_), static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), until))
      return lost(errc::timeout, "the server did not answer in time");
    if (PQconsumeInput(on_) == 0) return broken();
  }
}

expected<void> postgres_session::send_sync() {
  if (PQpipelineSync(on_) != 1) return broken();
  ++syncs_;
  return {};
}

// The first error counts; what follows it in the pipeline was not done.
expected<void> postgres_session::finish_pipeline(on_result const& each, deadline until) {
  if (auto sent = send_sync(); !sent) return sent;
  expected<void> out;
  int nulls = 0;
  for (std::size_t at = 0;;) {
    if (auto ready = wait_for_result(until); !ready) return ready;
    result_holder got{PQgetResult(on_)};
    if (got == nullptr && ++nulls > 2) return broken();  // one ends the answer to each statement
    if (got == nullptr) continue;
    nulls = 0;
    auto const status = PQresultStatus(got.get());
    if (status == PGRES_PIPELINE_SYNC && --syncs_ == 0) break;
    if (status == PGRES_PIPELINE_SYNC) continue;
    bool const wanted = at < answers_.size() && answers_[at];
    ++at;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      if (wanted) each(got.release());
    } else if (status != PGRES_PIPELINE_ABORTED && out) {
      out = failed(got.get());
      if (on_ == nullptr) return out;
    }
  }
  if (PQexitPipelineMode(on_) == 0) return broken();
  // Of a pipeline that failed it is not known which were prepared: they get new names.
  for (auto* const s : preparing_) out ? void(s->prepared = true) : s->name.clear();
  read_notifications();
  return out;
}

expected<void> postgres_session::run_sets(std::string_view text, std::span<std::span<cell const> const> sets,
                                          on_result const& each, deadline until) {
  std::vector<std::vector<postgres_parameter>> all;  // before anything is sent: one that cannot be is an error of all
  for (auto const& set : sets) {
    auto& one = all.emplace_back();
    for (auto const& c : set) {
      auto p = to_parameter(c);
      if (!p) return fail(p.error());
      one.push_back(*std::move(p));
    }
  }
  if (auto begun = enter_pipeline(); !begun) return begun;
  auto& to = statement_of('?', text);
  auto const statement = to.prepared ? std::string{} : numbered(text);
  for (auto const& set : all) {
    wire_values v;
    for (auto const& p : set)  // types but octets' are as the server finds them
      v.add(p.content ? p.content->c_str() : nullptr, p.content ? p.content->size() : 0, p.binary,
            p.binary ? pg_type::bytea : 0);
    if (auto sent = send(to, statement, v, 0); !sent) return sent;
  }
  return finish_pipeline(each, until);
}

expected<result> postgres_session::run(std::string_view text, std::span<cell const> values, deadline until) {
  result out;
  auto const done = run_sets(
      text, {&values, 1}, [&](pg_result* of) { read_cells(postgres_rows{of}, out); }, until);
  if (!done) return fail(done.error());
  return out;
}

expected<std::uint64_t> postgres_session::run_each(std::string_view text, std::span<row const> sets, deadline until) {
  if (sets.empty()) return std::uint64_t{0};
  std::uint64_t changed = 0;
  std::vector<std::span<cell const>> const all{sets.begin(), sets.end()};
  auto const done = run_sets(
      text, all, [&](pg_result* of) { changed += postgres_rows{of}.changed(); }, until);
  if (!done) return fail(done.error());
  return changed;
}

expected<std::vector<postgres_rows>> postgres_session::exchange(std::span<postgres_call const> calls, deadline until) {
  if (auto begun = enter_pipeline(); !begun) return fail(begun.error());
  for (auto const& call : calls) {
    wire_values v;
    for (auto const& item : call.values.items()) v.add(item.octets.data(), item.octets.size(), true, item.type);
    if (auto sent = send(statement_of('$', call.text), call.text, v, 1); !sent) return fail(sent.error());
    if (!call.ends || &call == &calls.back()) continue;
    if (auto ended = send_sync(); !ended) return fail(ended.error());
  }
  std::vector<postgres_rows> out;
  auto const done = finish_pipeline([&](pg_result* of) { out.emplace_back(of); }, until);
  if (!done) return fail(done.error());
  return out;
}

expected<postgres_rows> postgres_session::exchange_one(postgres_call const& call, deadline until) {
  auto all = exchange({&call, 1}, until);
  if (!all) return fail(all.error());
  return std::move(all->back());
}

expected<void> postgres_session::script(std::string_view statements, deadline until) {
  if (on_ == nullptr) return fail(errc::unavailable, "the connection is lost", where_);
  if (PQsendQuery(on_, std::string{statements}.c_str()) != 1) return broken();
  expected<void> out;
  while (true) {
    if (auto ready = wait_for_result(until); !ready) return ready;
    result_holder const got{PQgetResult(on_)};
    if (got == nullptr) break;
    auto const status = PQresultStatus(got.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY && out)
      out = failed(got.get());
    if (on_ == nullptr) return out;
  }
  read_notifications();
  return out;
}

void postgres_session::rollback(deadline until) noexcept {
  try {
    if (on_ != nullptr && !script("ROLLBACK", until)) end();
  } catch (...) {
    end();
  }
}

expected<void> postgres_session::listen(std::string_view channel, deadline until) {
  return script("LISTEN " + quoted_name(channel), until);
}

expected<void> postgres_session::unlisten(std::string_view channel, deadline until) {
  return script("UNLISTEN " + quoted_name(channel), until);
}

void postgres_session::read_notifications() {
  while (auto* const n = PQnotifies(on_)) {
    notified_.push_back({n->relname, n->extra});
    PQfreemem(n);
  }
}

bool postgres_session::peek() {
  // What a server says at last comes before the end of its connection: all of it is read.
  while (on_ != nullptr && io::is_readable(PQsocket(on_)))
    if (PQconsumeInput(on_) != 1) end();
  if (on_ == nullptr) return false;
  return read_notifications(), true;
}

expected<std::vector<postgres_notification>> postgres_session::notified() {
  if (!peek()) return fail(errc::unavailable, "the connection is lost", where_);
  return std::exchange(notified_, {});
}

expected<std::vector<postgres_notification>> postgres_session::wait_notified(deadline until, int wake) {
  while (true) {
    auto got = notified();
    if (!got || !got->empty() || until.passed()) return got;
    if (!io::wait_for(PQsocket(on_), POLLIN, until, wake)) return got;
  }
}

int postgres_session::descriptor() const noexcept { return on_ == nullptr ? -1 : PQsocket(on_); }
int postgres_session::server_version() const noexcept { return on_ == nullptr ? 0 : PQserverVersion(on_); }

}  // namespace lovage::sql
