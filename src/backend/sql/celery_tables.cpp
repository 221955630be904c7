#include "backend/sql/celery_tables.hpp"

#include "wire/pickle.hpp"
#include "wire/serializer.hpp"

namespace lovage::backend {
namespace {

using sql::blob;
using sql::cell;
using sql::dialect;
using wire::result_record;

constexpr std::size_t longest_text = 155, longest_status = 50;  // of the columns

// The columns, in the order in which rows are written and read.
enum task_column : std::size_t {
  c_id,
  c_status,
  c_result,
  c_date,
  c_traceback,
  c_name,
  c_args,
  c_kwargs,
  c_worker,
  c_retries,
  c_queue
};
enum group_column : std::size_t { g_id, g_result, g_date };

struct table_names {
  std::string task, group;                    ///< quoted, with schema
  std::string task_sequence, group_sequence;  ///< as text for nextval
  std::string task_index, group_index;        ///< names
};

std::string chosen(value::map const& from, char const* key, char const* usual) {
  auto const* v = find(from, key);
  auto const* text = v != nullptr ? v->get_if<std::string>() : nullptr;
  return text != nullptr && !text->empty() ? *text : usual;
}

expected<table_names> names_of(dialect d, settings const& with) {
  table_names out;
  struct half {
    char const *key, *usual, *sequence;
    std::string *table, *made_by, *index;
  };
  for (auto const& h :
       {half{"task", "celery_taskmeta", "task_id_sequence", &out.task, &out.task_sequence, &out.task_index},
        half{"group", "celery_tasksetmeta", "taskset_id_sequence", &out.group, &out.group_sequence,
             &out.group_index}}) {
    auto const schema = chosen(with.table_schemas, h.key, "");
    auto const name = chosen(with.table_names, h.key, h.usual);
    auto table = quoted_table(d, schema, name);
    if (!table) return fail(table.error());
    auto sequence = quoted_table(d, schema, h.sequence);
    if (!sequence) return fail(sequence.error());
    *h.table = *std::move(table);
    *h.made_by = *std::move(sequence);
    *h.index = "ix_" + (schema.empty() ? "" : schema + "_") + name + "_date_done";
  }
  return out;
}

std::string id_column(dialect d) {
  if (d == dialect::sqlite) return "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, ";
  return d == dialect::mysql ? "id INTEGER NOT NULL AUTO_INCREMENT, " : "id INTEGER NOT NULL, ";
}

std::string create_table(dialect d, std::string const& table, std::string const& columns, std::string const& key,
                         std::string const& sequence, std::string const& index) {
  bool const my = d == dialect::mysql;
  std::string out = d == dialect::postgres ? "CREATE SEQUENCE IF NOT EXISTS " + sequence + ";" : "";
  out += "CREATE TABLE IF NOT EXISTS " + table + " (" + id_column(d) + columns +
         (d == dialect::sqlite ? "" : ", PRIMARY KEY (id)") + ", UNIQUE (" + key + ")" +
         (my ? ", INDEX " + index + " (date_done));" : ");");
  return my ? out : out + "CREATE INDEX IF NOT EXISTS " + index + " ON " + table + " (date_done);";
}

std::string ddl(dialect d, table_names const& n) {
  std::string const octets = d == dialect::postgres ? "BYTEA" : "BLOB";
  std::string const moment = d == dialect::postgres ? "TIMESTAMP WITHOUT TIME ZONE" : "DATETIME";
  return create_table(d, n.task,
                      "task_id VARCHAR(155), status VARCHAR(50), result " + octets + ", date_done " + moment +
                          ", traceback TEXT, name VARCHAR(155), args " + octets + ", kwargs " + octets +
                          ", worker VARCHAR(155), retries INTEGER, queue VARCHAR(155)",
                      "task_id", n.task_sequence, n.task_index) +
         create_table(d, n.group, "taskset_id VARCHAR(155), result " + octets + ", date_done " + moment, "taskset_id",
                      n.group_sequence, n.group_index);
}

generated_column id_made_by(dialect d, std::string const& sequence) {
  if (d != dialect::postgres) return {};
  return {"id", "nextval('" + sequence + "')"};
}

bool is_exception(std::string const& status) {
  return status == wire::state::failure || status == wire::state::retry || status == wire::state::revoked;
}

std::string const* octets_of(cell const& c) {
  if (auto const* b = std::get_if<blob>(&c)) return &b->octets;
  return std::get_if<std::string>(&c);
}

class celery_tables final : public sql_tables {
 public:
  celery_tables(dialect d, table_names names, wire::serializer const& arguments, std::string const& aside,
                std::chrono::seconds expires)
      : ddl_{ddl(d, names)},
        task_probe_{"SELECT task_id FROM " + names.task + " WHERE 1 = 0"},
        group_probe_{"SELECT taskset_id FROM " + names.group + " WHERE 1 = 0"},
        arguments_{arguments},
        tasks_{d, task_layout(d, names), aside, expires},
        groups_{d, group_layout(d, names), aside, expires} {}

  expected<void> prepare(sql::session& on, deadline until) override;
  sql_rows& tasks() override { return tasks_; }
  sql_rows& groups() override { return groups_; }
  expected<row_to_store> to_row(result_record const& r, time_point now) const override;
  expected<result_record> to_record(task_id const& id, stored_row const& from) const override;
  expected<row_to_store> to_row(wire::result_tuple const& group, time_point now) const override;
  expected<wire::result_tuple> to_group(stored_row const& from) const override;

 private:
  static row_layout task_layout(dialect d, table_names const& n) {
    return {n.task,
            "task_id",
            "date_done",
            "status",
            {{"task_id"},
             {"status"},
             {"result"},
             {"date_done"},
             {"traceback"},
             {"name"},
             {"args"},
             {"kwargs"},
             {"worker"},
             {"retries"},
             {"queue"}},
            id_made_by(d, n.task_sequence)};
  }
  static row_layout group_layout(dialect d, table_names const& n) {
    return {n.group,
            "taskset_id",
            "date_done",
            "",
            {{"taskset_id"}, {"result"}, {"date_done"}},
            id_made_by(d, n.group_sequence),
            "group:"};
  }
  [[nodiscard]] expected<cell> arguments_cell(std::optional<value> const& v) const;
  void read_extended(result_record& to, sql::row const& from) const;

  std::string const ddl_, task_probe_, group_probe_;
  wire::serializer const& arguments_;
  sql_rows tasks_, groups_;
};

expected<void> celery_tables::prepare(sql::session& on, deadline until) {
  if (on.run(task_probe_, {}, until) && on.run(group_probe_, {}, until)) return {};
  if (!on.alive()) return fail(errc::unavailable, "the connection to the database was lost");
  auto made = on.script(ddl_, until);
  if (made || made.error().code != errc::bad_config) return made;
  // Somebody else may have made them meanwhile, and the index with them.
  if (on.run(task_probe_, {}, until) && on.run(group_probe_, {}, until)) return {};
  return fail(errc::bad_config, "the tables for results cannot be made: " + made.error().detail, made.error().where);
}

// Celery writes the arguments with its result serializer, as text in octets.
expected<cell> celery_tables::arguments_cell(std::optional<value> const& v) const {
  if (!v || v->is_null()) return cell{};
  auto octets = arguments_.write(*v, false);
  if (!octets) return fail(octets.error());
  return cell{blob{*std::move(octets)}};
}

expected<row_to_store> celery_tables::to_row(result_record const& r, time_point now) const {
  if (auto fits = check_key(r.id.str(), longest_text, "celery_taskmeta.task_id"); !fits) return fail(fits.error());
  auto result = wire::to_pickle(r.result);
  if (!result) return fail(result.error());
  auto rest = r.extended;
  auto const args = arguments_cell(take(rest, "args"));
  auto const kwargs = arguments_cell(take(rest, "kwargs"));
  if (!args) return fail(args.error());
  if (!kwargs) return fail(kwargs.error());
  auto const retries = take(rest, "retries");
  auto const* times = retries ? retries->get_if<std::int64_t>() : nullptr;
  row_to_store out;
  if (r.ready()) out.date = date_of_record(r, now);
  out.cells = {r.id.str(),
               clean_text(r.status, longest_status),
               blob{*std::move(result)},
               out.date ? cell{*out.date} : cell{},
               clean_text(r.traceback),
               clean_text(take_text(rest, "name"), longest_text),
               *args,
               *kwargs,
               clean_text(take_text(rest, "worker"), longest_text),
               times != nullptr ? cell{*times} : cell{},
               clean_text(take_text(rest, "queue"), longest_text)};
  out.more = more_of(r, std::move(rest), true);
  return out;
}

void celery_tables::read_extended(result_record& to, sql::row const& from) const {
  auto const text = [&](char const* key, task_column column) {
    if (auto const* s = std::get_if<std::string>(&from[column])) to.extended.push_back({key, *s});
  };
  auto const arguments = [&](char const* key, task_column column) {
    auto const* octets = octets_of(from[column]);
    if (octets == nullptr) return;
    auto v = arguments_.read(*octets);
    to.extended.push_back({key, v ? *std::move(v) : value{bytes{*octets}}});  // of another serializer: as they are
  };
  text("name", c_name);
  arguments("args", c_args);
  arguments("kwargs", c_kwargs);
  text("worker", c_worker);
  if (auto const* n = std::get_if<std::int64_t>(&from[c_retries])) to.extended.push_back({"retries", *n});
  text("queue", c_queue);
}

expected<result_record> celery_tables::to_record(task_id const& id, stored_row const& from) const {
  result_record out;
  out.id = id;
  if (auto const* status = std::get_if<std::string>(&from.cells[c_status])) out.status = *status;
  if (auto const* octets = octets_of(from.cells[c_result])) {
    auto result = is_exception(out.status) ? wire::exception_from_pickle(*octets) : wire::from_pickle(*octets);
    if (!result) return fail(result.error());
    out.result = *std::move(result);
  }
  if (auto const* date = std::get_if<time_point>(&from.cells[c_date]); date != nullptr && out.ready())
    out.date_done = wire::to_iso(*date);
  if (auto const* text = std::get_if<std::string>(&from.cells[c_traceback])) out.traceback = *text;
  out.children = value::list{};
  read_extended(out, from.cells);
  apply_more(out, from.more);
  return out;
}

expected<row_to_store> celery_tables::to_row(wire::result_tuple const& group, time_point now) const {
  if (auto fits = check_key(group.id, longest_text, "celery_tasksetmeta.taskset_id"); !fits) return fail(fits.error());
  auto result = wire::group_to_pickle(group);
  if (!result) return fail(result.error());
  row_to_store out;
  out.date = now;
  out.cells = {group.id, blob{*std::move(result)}, now};
  return out;
}

expected<wire::result_tuple> celery_tables::to_group(stored_row const& from) const {
  auto const* octets = octets_of(from.cells[g_result]);
  if (octets == nullptr) return fail(errc::decode, "it has no members");
  return wire::group_from_pickle(*octets);
}

}  // namespace

expected<std::unique_ptr<sql_tables>> make_celery_tables(sql::dialect d, settings const& with, std::string aside) {
  auto names = names_of(d, with);
  if (!names) return fail(names.error());
  auto const* arguments = wire::find_serializer(with.serializer);
  if (arguments == nullptr)
    return fail(errc::bad_config, "'" + with.serializer + "' is not known (json, msgpack, yaml)", "result_serializer");
  return std::unique_ptr<sql_tables>{
      std::make_unique<celery_tables>(d, *std::move(names), *arguments, aside, with.expires)};
}

}  // namespace lovage::backend
