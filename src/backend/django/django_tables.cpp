#include "backend/django/django_tables.hpp"

#include "backend/postgres_upsert.hpp"
#include "wire/base64.hpp"
#include "wire/serializer.hpp"
#include "wire/task_message.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace lovage::backend {
namespace {

using sql::cell;
using sql::dialect;
using wire::result_record;

constexpr std::size_t longest_id = 255, longest_name = 255, longest_state = 50, longest_node = 100;  // of the columns

constexpr char const* task_table = "django_celery_results_taskresult";
constexpr char const* group_table = "django_celery_results_groupresult";
constexpr char const* counter_table = "django_celery_results_chordcounter";

// In the order in which rows are written and read. `date_started` is of release 2.6 and later.
enum django_column : std::size_t {
  d_id,
  d_status,
  d_done,
  d_periodic,
  d_name,
  d_args,
  d_kwargs,
  d_worker,
  d_type,
  d_encoding,
  d_result,
  d_created,
  d_traceback,
  d_meta,
  d_started
};
enum django_group_column : std::size_t { dg_id, dg_done, dg_created, dg_type, dg_encoding, dg_result };

row_layout django_tasks(std::string table, bool has_started) {
  using enum sql::cell_kind;
  row_layout out{std::move(table),
                 "task_id",
                 "date_done",
                 "status",
                 {{"task_id"},
                  {"status"},
                  {"date_done", moment},
                  {"periodic_task_name"},
                  {"task_name"},
                  {"task_args"},
                  {"task_kwargs"},
                  {"worker"},
                  {"content_type"},
                  {"content_encoding"},
                  {"result"},
                  {"date_created", moment, true},
                  {"traceback"},
                  {"meta"}}};
  if (has_started) out.columns.push_back({"date_started", moment, false, true});
  return out;
}

row_layout django_groups(std::string table) {
  using enum sql::cell_kind;
  return {std::move(table),
          "group_id",
          "date_done",
          "",
          {{"group_id"},
           {"date_done", moment},
           {"date_created", moment, true},
           {"content_type"},
           {"content_encoding"},
           {"result"}},
          {},
          "group:"};
}

std::string const* django_text(cell const& c) { return std::get_if<std::string>(&c); }

class django_tables final : public sql_tables {
 public:
  django_tables(dialect d, std::vector<wire::serializer const*> reads, std::string aside, std::chrono::seconds expires)
      : dialect_{d}, reads_{std::move(reads)}, aside_{std::move(aside)}, expires_{expires} {}

  expected<void> prepare(sql::session& on, deadline until) override;
  sql_rows& tasks() override { return *tasks_; }
  sql_rows& groups() override { return *groups_; }
  expected<row_to_store> to_row(result_record const& r, time_point now) const override;
  expected<result_record> to_record(task_id const& id, stored_row const& from) const override;
  expected<row_to_store> to_row(wire::result_tuple const& group, time_point now) const override;
  expected<wire::result_tuple> to_group(stored_row const& from) const override;
  expected<takeover> take_over(sql::session& on, std::span<chord_part const> parts, part_known const& known,
                               time_point now, deadline until) override;

 private:
  /// Content as Django keeps it: text, octets in base64.
  [[nodiscard]] expected<std::string> written(value const& v) const;
  [[nodiscard]] expected<value> read(std::string const& text, std::string const& type,
                                     std::string const& encoding) const;
  [[nodiscard]] expected<cell> repr_cell(std::optional<std::string> const& text) const;
  [[nodiscard]] std::string quoted(char const* table) const { return quoted_table(dialect_, "", table).value(); }
  [[nodiscard]] expected<void> count_down(sql::session& on, std::string const& group, sql::row const& counter,
                                          std::int64_t by, time_point now, takeover& out, deadline until);
  [[nodiscard]] expected<chord_part> part_of(sql::session& on, std::string const& group, std::int64_t index,
                                             wire::result_tuple const& of, time_point now, deadline until);
  void read_extended(result_record& to, sql::row const& from, std::string const& type,
                     std::string const& encoding) const;

  dialect const dialect_;
  std::vector<wire::serializer const*> const reads_;  ///< the first is what is written
  std::string const aside_;
  std::chrono::seconds const expires_;
  bool has_started_ = false;
  std::optional<sql_rows> tasks_, groups_;
};

expected<void> django_tables::prepare(sql::session& on, deadline until) {
  auto const has = [&](char const* column, char const* table) {
    return on.run(std::string{"SELECT "} + column + " FROM " + quoted(table) + " WHERE 1 = 0", {}, until);
  };
  for (auto const& [column, table] :
       {std::pair{"periodic_task_name", task_table}, {"date_created", group_table}, {"sub_tasks", counter_table}}) {
    auto const there = has(column, table);
    if (there) continue;
    if (there.error().code != errc::bad_config && there.error().code != errc::internal) return fail(there.error());
    return fail(
        errc::bad_config,
        std::string{"the database has no table "} + table +
            " as django-celery-results 2.4 or later makes it; add 'django_celery_results' to INSTALLED_APPS and "
            "run: python manage.py migrate",
        there.error().text());
  }
  has_started_ = has("date_started", task_table).has_value();
  if (!on.alive()) return fail(errc::unavailable, "the connection to the database was lost");
  auto tasks = django_tasks(quoted(task_table), has_started_);
  if (dialect_ == dialect::postgres) {
    auto numbering = own_numbering(on, tasks.table, until);
    if (!numbering) return fail(numbering.error());
    tasks.id = *std::move(numbering);
  }
  tasks_.emplace(dialect_, std::move(tasks), aside_, expires_);
  groups_.emplace(dialect_, django_groups(quoted(group_table)), aside_, expires_);
  return {};
}

expected<std::string> django_tables::written(value const& v) const {
  auto out = reads_.front()->write(v, false);
  if (!out || std::string_view{reads_.front()->content_encoding} != "binary") return out;
  return wire::to_base64(*out);
}

expected<value> django_tables::read(std::string const& text, std::string const& type,
                                    std::string const& encoding) const {
  auto const* form = wire::find_serializer(type);
  if (form == nullptr || std::find(reads_.begin(), reads_.end(), form) == reads_.end())
    return fail(errc::not_accepted, "the result is written as '" + type + "'; accept_content does not name it");
  if (encoding != "binary") return form->read(text);
  auto octets = wire::from_base64(text);
  if (!octets) return fail(errc::decode, "the result is no base64");
  return form->read(*octets);
}

// The text that Python's repr gives, and that once more in the serializer's form.
expected<cell> django_tables::repr_cell(std::optional<std::string> const& text) const {
  if (!text) return cell{};
  auto out = written(value{*text});
  if (!out) return fail(out.error());
  return cell{*std::move(out)};
}

std::optional<std::string> args_text(std::optional<value> const& v) {
  if (!v) return std::nullopt;
  auto const* list = v->get_if<value::list>();
  return list != nullptr ? wire::args_repr(*list) : wire::repr(*v);
}

std::optional<std::string> kwargs_text(std::optional<value> const& v) {
  if (!v) return std::nullopt;
  auto const* map = v->get_if<value::map>();
  return map != nullptr ? wire::kwargs_repr(*map) : wire::repr(*v);
}

expected<row_to_store> django_tables::to_row(result_record const& r, time_point now) const {
  if (auto fits = check_key(r.id.str(), longest_id, "taskresult.task_id"); !fits) return fail(fits.error());
  auto result = written(r.result);
  if (!result) return fail(result.error());
  auto meta = written(value::map{{"children", r.children.is_null() ? value{value::list{}} : r.children}});
  if (!meta) return fail(meta.error());
  auto rest = r.extended;
  auto const args = repr_cell(args_text(take(rest, "args")));
  auto const kwargs = repr_cell(kwargs_text(take(rest, "kwargs")));
  if (!args) return fail(args.error());
  if (!kwargs) return fail(kwargs.error());
  row_to_store out;
  out.date = date_of_record(r, now);
  auto const periodic = r.periodic_task_name.empty() ? std::nullopt : std::optional{r.periodic_task_name};
  out.cells = {r.id.str(),
               clean_text(r.status, longest_state),
               *out.date,
               clean_text(periodic, longest_name),
               clean_text(take_text(rest, "name"), longest_name),
               *args,
               *kwargs,
               clean_text(take_text(rest, "worker"), longest_node),
               reads_.front()->content_type,
               reads_.front()->content_encoding,
               *std::move(result),
               now,
               clean_text(r.traceback),
               *std::move(meta)};
  if (has_started_) out.cells.push_back(r.status == wire::state::started ? cell{now} : cell{});
  // Django has no place for these two, and nobody misses them of a task that ran once.
  if (auto const* retries = find(rest, "retries"); retries != nullptr && *retries == value{0}) {
    (void)take(rest, "retries");
    (void)take(rest, "queue");
  }
  out.more = more_of(r, std::move(rest), false);
  return out;
}

void django_tables::read_extended(result_record& to, sql::row const& from, std::string const& type,
                                  std::string const& encoding) const {
  auto const text = [&](char const* key, django_column column) {
    if (auto const* s = django_text(from[column])) to.extended.push_back({key, *s});
  };
  auto const encoded = [&](char const* key, django_column column) {
    auto const* s = django_text(from[column]);
    if (s == nullptr) return;
    auto v = read(*s, type, encoding);
    to.extended.push_back({key, v ? *std::move(v) : value{*s}});  // as Python does
  };
  text("name", d_name);
  encoded("args", d_args);
  encoded("kwargs", d_kwargs);
  text("worker", d_worker);
  if (auto const* s = django_text(from[d_periodic])) to.periodic_task_name = *s;
}

expected<result_record> django_tables::to_record(task_id const& id, stored_row const& from) const {
  result_record out;
  out.id = id;
  if (auto const* status = django_text(from.cells[d_status])) out.status = *status;
  auto const* type = django_text(from.cells[d_type]);
  auto const* encoding = django_text(from.cells[d_encoding]);
  if (type == nullptr || encoding == nullptr) return fail(errc::decode, "it does not say how it is written");
  if (auto const* text = django_text(from.cells[d_result]); text != nullptr && !text->empty()) {
    auto result = read(*text, *type, *encoding);
    if (!result) return fail(result.error());
    out.result = *std::move(result);
  }
  if (auto const* date = std::get_if<time_point>(&from.cells[d_done]); date != nullptr && out.ready())
    out.date_done = wire::to_iso(*date);
  if (auto const* text = django_text(from.cells[d_traceback])) out.traceback = *text;
  out.children = value::list{};
  if (auto const* text = django_text(from.cells[d_meta]); text != nullptr && !text->empty()) {
    auto const meta = read(*text, *type, *encoding);
    auto const* children = meta ? meta->find("children") : nullptr;
    if (children != nullptr && children->is<value::list>()) out.children = *children;
  }
  read_extended(out, from.cells, *type, *encoding);
  apply_more(out, from.more);
  return out;
}

expected<row_to_store> django_tables::to_row(wire::result_tuple const& group, time_point now) const {
  if (auto fits = check_key(group.id, longest_id, "groupresult.group_id"); !fits) return fail(fits.error());
  auto result = written(group.to_value());
  if (!result) return fail(result.error());
  row_to_store out;
  out.date = now;
  out.cells = {group.id, now, now, reads_.front()->content_type, reads_.front()->content_encoding, *std::move(result)};
  return out;
}

expected<wire::result_tuple> django_tables::to_group(stored_row const& from) const {
  auto const* text = django_text(from.cells[dg_result]);
  auto const* type = django_text(from.cells[dg_type]);
  auto const* encoding = django_text(from.cells[dg_encoding]);
  if (text == nullptr || type == nullptr || encoding == nullptr) return fail(errc::decode, "it has no members");
  auto const v = read(*text, *type, *encoding);
  if (!v) return fail(v.error());
  return wire::result_tuple::from_value(*v);
}

/// How a member of a chord's header ended: a task, or a group whose results are one list.
expected<chord_part> django_tables::part_of(sql::session& on, std::string const& group, std::int64_t index,
                                            wire::result_tuple const& of, time_point now, deadline until) {
  chord_part out{group, index, task_id{of.id}, wire::state::success, {}};
  if (of.children) {
    value::list results;
    for (auto const& child : *of.children) {
      auto part = part_of(on, group, index, child, now, until);
      if (!part) return part;
      if (part->status != wire::state::success) return part;
      results.push_back(std::move(part->result));
    }
    out.result = std::move(results);
    return out;
  }
  auto const rows = tasks_->fetch(on, {&of.id, 1}, now, until);
  if (!rows) return fail(rows.error());
  out.status = wire::state::failure;
  if (!rows->front()) {
    out.result =
        wire::exception_info{"ChordError", {"the result of " + of.id + " is gone"}, "celery.exceptions"}.to_value();
    return out;
  }
  auto record = to_record(out.id, *rows->front());
  if (!record) return fail(record.error());
  out.status = record->status;
  out.result = std::move(record->result);
  return out;
}

// As Python does it: who counts down to nothing removes the counter and sends the body, with the results of all.
expected<void> django_tables::count_down(sql::session& on, std::string const& group, sql::row const& counter,
                                         std::int64_t by, time_point now, takeover& out, deadline until) {
  auto const* left = std::get_if<std::int64_t>(&counter[1]);
  auto const* members = django_text(counter[2]);
  if (left == nullptr || members == nullptr) return fail(errc::decode, "a ChordCounter has no members", group);
  auto const table = quoted(counter_table);
  if (*left > by) {
    auto const done =
        on.run("UPDATE " + table + " SET count = count - ? WHERE group_id = ?", sql::row{by, group}, until);
    return done ? expected<void>{} : fail(done.error());
  }
  auto const gone = on.run("DELETE FROM " + table + " WHERE group_id = ?", sql::row{group}, until);
  if (!gone) return fail(gone.error());
  auto const parsed = wire::from_json(*members);
  auto const* list = parsed ? parsed->get_if<value::list>() : nullptr;
  if (list == nullptr) return fail(errc::decode, "a ChordCounter has no members", group);
  out.chords.push_back({group, static_cast<std::int64_t>(list->size()), {}});
  for (auto const& item : *list) {
    auto const of = wire::result_tuple::from_value(item);
    if (!of) return fail(of.error());
    auto part = part_of(on, group, static_cast<std::int64_t>(out.parts.size()), *of, now, until);
    if (!part) return fail(part.error());
    out.parts.push_back(*std::move(part));
  }
  return {};
}

expected<sql_tables::takeover> django_tables::take_over(sql::session& on, std::span<chord_part const> parts,
                                                        part_known const& known, time_point now, deadline until) {
  takeover out;
  std::map<std::string, std::int64_t> told;
  for (auto const& p : parts) told[p.group] += 0;
  std::vector<std::string> groups;
  for (auto const& [group, n] : told) groups.push_back(group);
  std::vector<sql::row> counters;
  auto found =
      for_keys(groups, "SELECT group_id, count, sub_tasks FROM " + quoted(counter_table) + " WHERE group_id IN ",
               dialect_ == dialect::sqlite ? "" : " FOR UPDATE",
               [&](std::string_view text, sql::row const& cells) -> expected<void> {
                 auto got = on.run(text, cells, until);
                 if (!got) return fail(got.error());
                 counters.insert(counters.end(), got->rows.begin(), got->rows.end());
                 return {};
               });
  if (!found) return fail(found.error());
  for (auto const& c : counters) {
    auto const& group = std::get<std::string>(c[0]);
    std::int64_t by = 0;
    for (auto const& p : parts) {
      if (p.group != group) continue;
      auto const before = known(p);
      if (!before) return fail(before.error());
      by += *before ? 0 : 1;
    }
    if (by == 0) continue;
    if (auto done = count_down(on, group, c, by, now, out, until); !done) return fail(done.error());
  }
  return out;
}

}  // namespace

expected<std::unique_ptr<sql_tables>> make_django_tables(sql::dialect d, settings const& with, std::string aside) {
  std::vector<wire::serializer const*> reads;
  std::vector<std::string> names{with.serializer};
  names.insert(names.end(), with.accept_content.begin(), with.accept_content.end());
  for (auto const& name : names) {
    auto const* form = wire::find_serializer(name);
    if (form == nullptr)
      return fail(errc::bad_config, "'" + name + "' is not known (json, msgpack, yaml)", "result_serializer");
    reads.push_back(form);
  }
  return std::unique_ptr<sql_tables>{
      std::make_unique<django_tables>(d, std::move(reads), std::move(aside), with.expires)};
}

}  // namespace lovage::backend
