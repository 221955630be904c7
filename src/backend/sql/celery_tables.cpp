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
  c_queue,
  c_children  ///< of Celery 5.7 and later
};
enum group_column : std::size_t { g_id, g_result, g_date };

struct table_names {
  std::string task, group;                                               ///< quoted, with schema
  std::string task_sequence, group_sequence;                             ///< as text for nextval
  std::string task_index, group_index;                                   ///< names
  std::string task_plain, group_plain, schema_of_task, schema_of_group;  ///< as they were given
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
    std::string *table, *made_by, *index, *plain, *schema;
  };
  for (auto const& h : {half{"task", "celery_taskmeta", "task_id_sequence", &out.task, &out.task_sequence,
                             &out.task_index, &out.task_plain, &out.schema_of_task},
                        half{"group", "celery_tasksetmeta", "taskset_id_sequence", &out.group, &out.group_sequence,
                             &out.group_index, &out.group_plain, &out.schema_of_group}}) {
    auto const schema = chosen(with.table_schemas, h.key, "");
    auto const name = chosen(with.table_names, h.key, h.usual);
    auto table = quoted_table(d, schema, name);
    if (!table) return fail(table.error());
    auto sequence = quoted_table(d, schema, h.sequence);
    if (!sequence) return fail(sequence.error());
    *h.table = *std::move(table);
    *h.plain = name, *h.schema = schema;
    *h.made_by = *std::move(sequence);
    *h.index = "ix_" + (schema.empty() ? "" : schema + "_") + name + "_date_done";
  }
  return out;
}

// What numbers the rows. SQLAlchemy takes sequences wherever there are some: also on MariaDB, not on MySQL.
enum class numbering { by_itself, by_sequence };

std::string id_column(dialect d, numbering by) {
  if (d == dialect::sqlite) return "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, ";
  return by == numbering::by_itself ? "id INTEGER NOT NULL AUTO_INCREMENT, " : "id INTEGER NOT NULL, ";
}

std::string create_table(dialect d, numbering by, std::string const& table, std::string const& columns,
                         std::string const& key, std::string const& sequence, std::string const& index) {
  bool const my = d == dialect::mysql;
  std::string out = by == numbering::by_sequence ? "CREATE SEQUENCE IF NOT EXISTS " + sequence + ";" : "";
  out += "CREATE TABLE IF NOT EXISTS " + table + " (" + id_column(d, by) + columns +
         (d == dialect::sqlite ? "" : ", PRIMARY KEY (id)") + ", UNIQUE (" + key + ")" +
         (my ? ", INDEX " + index + " (date_done));" : ");");
  return my ? out : out + "CREATE INDEX IF NOT EXISTS " + index + " ON " + table + " (date_done);";
}

std::string ddl(dialect d, numbering by, table_names const& n) {
  std::string const octets = d == dialect::postgres ? "BYTEA" : "BLOB";
  std::string const moment = d == dialect::postgres ? "TIMESTAMP WITHOUT TIME ZONE" : "DATETIME";
  return create_table(d, by, n.task,
                      "task_id VARCHAR(155), status VARCHAR(50), result " + octets + ", date_done " + moment +
                          ", traceback TEXT, name VARCHAR(155), args " + octets + ", kwargs " + octets +
                          ", worker VARCHAR(155), retries INTEGER, queue VARCHAR(155)",
                      "task_id", n.task_sequence, n.task_index) +
         create_table(d, by, n.group, "taskset_id VARCHAR(155), result " + octets + ", date_done " + moment,
                      "taskset_id", n.group_sequence, n.group_index);
}

generated_column id_made_by(dialect d, numbering by, std::string const& sequence) {
  if (by == numbering::by_itself) return {};
  return {"id", d == dialect::postgres ? "nextval('" + sequence + "')" : "NEXTVAL(" + sequence + ")"};
}

// A pickle says its protocol second; the octet alone is an empty map in msgpack.
bool is_pickle(std::string_view octets) { return octets.size() > 1 && octets.front() == '\x80'; }

bool is_exception(std::string const& status) {
  return status == wire::state::failure || status == wire::state::retry || status == wire::state::revoked;
}

std::string const* octets_of(cell const& c) {
  if (auto const* b = std::get_if<blob>(&c)) return &b->octets;
  return std::get_if<std::string>(&c);
}

class celery_tables final : public sql_tables {
 public:
  celery_tables(dialect d, table_names names, wire::serializer const& form, std::string aside,
                std::chrono::seconds expires)
      : dialect_{d}, names_{std::move(names)}, form_{form}, aside_{std::move(aside)}, expires_{expires} {}

  expected<void> prepare(sql::session& on, deadline until) override;
  sql_rows& tasks() override { return *tasks_; }
  sql_rows& groups() override { return *groups_; }
  expected<row_to_store> to_row(result_record const& r, time_point now) const override;
  expected<result_record> to_record(task_id const& id, stored_row const& from) const override;
  expected<row_to_store> to_row(wire::result_tuple const& group, time_point now) const override;
  expected<wire::result_tuple> to_group(stored_row const& from) const override;

 private:
  [[nodiscard]] row_layout task_layout(numbering by) const;
  [[nodiscard]] row_layout group_layout(numbering by) const {
    using enum sql::cell_kind;
    return {names_.group,
            "taskset_id",
            "date_done",
            "",
            {{"taskset_id"}, {"result", octets}, {"date_done", moment}},
            id_made_by(dialect_, by, names_.group_sequence),
            "group:"};
  }
  [[nodiscard]] bool are_there(sql::session& on, deadline until) const;
  [[nodiscard]] expected<void> make(sql::session& on, deadline until) const;
  [[nodiscard]] expected<numbering> numbering_of(sql::session& on, std::string const& schema, std::string const& table,
                                                 deadline until) const;
  [[nodiscard]] expected<std::string> result_octets(value const& v) const {
    return has_children_ ? form_.write(v, false) : wire::to_pickle(v);
  }
  [[nodiscard]] expected<cell> encoded_cell(std::optional<value> const& v) const;
  void read_extended(result_record& to, sql::row const& from) const;

  dialect const dialect_;
  table_names const names_;
  wire::serializer const& form_;
  std::string const aside_;
  std::chrono::seconds const expires_;
  /// Celery 5.7 or later has been here: it adds this column, and writes results with the serializer; what is pickled it
  /// reads with a warning. Earlier ones read pickles only.
  bool has_children_ = false;
  std::optional<sql_rows> tasks_, groups_;
};

row_layout celery_tables::task_layout(numbering by) const {
  using enum sql::cell_kind;
  row_layout out{names_.task,
                 "task_id",
                 "date_done",
                 "status",
                 {{"task_id"},
                  {"status"},
                  {"result", octets},
                  {"date_done", moment},
                  {"traceback"},
                  {"name"},
                  {"args", octets},
                  {"kwargs", octets},
                  {"worker"},
                  {"retries", whole},
                  {"queue"}},
                 id_made_by(dialect_, by, names_.task_sequence)};
  if (has_children_) out.columns.push_back({"children", octets});
  return out;
}

bool celery_tables::are_there(sql::session& on, deadline until) const {
  return on.run("SELECT task_id FROM " + names_.task + " WHERE 1 = 0", {}, until) &&
         on.run("SELECT taskset_id FROM " + names_.group + " WHERE 1 = 0", {}, until);
}

expected<void> celery_tables::make(sql::session& on, deadline until) const {
  auto by = dialect_ == dialect::postgres ? numbering::by_sequence : numbering::by_itself;
  if (dialect_ == dialect::mysql) {
    auto const version = on.run("SELECT VERSION()", {}, until);
    if (!version) return fail(version.error());
    auto const* text = std::get_if<std::string>(&version->rows.at(0).at(0));
    if (text != nullptr && text->find("MariaDB") != text->npos) by = numbering::by_sequence;
  }
  auto made = on.script(ddl(dialect_, by, names_), until);
  if (made || made.error().code != errc::bad_config) return made;
  return fail(errc::bad_config, "the tables for results cannot be made: " + made.error().detail, made.error().where);
}

expected<numbering> celery_tables::numbering_of(sql::session& on, std::string const& schema, std::string const& table,
                                                deadline until) const {
  if (dialect_ == dialect::postgres) return numbering::by_sequence;
  if (dialect_ == dialect::sqlite) return numbering::by_itself;
  auto const extra = on.run(
      "SELECT extra FROM information_schema.columns WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND "
      "table_name = ? AND column_name = 'id'",
      sql::row{schema, table}, until);
  if (!extra) return fail(extra.error());
  auto const* text = extra->rows.empty() ? nullptr : std::get_if<std::string>(&extra->rows[0][0]);
  bool const counts = text != nullptr && text->find("auto_increment") != text->npos;
  return counts ? numbering::by_itself : numbering::by_sequence;
}

expected<void> celery_tables::prepare(sql::session& on, deadline until) {
  if (!are_there(on, until)) {
    if (!on.alive()) return fail(errc::unavailable, "the connection to the database was lost");
    // Where it fails somebody else may have made them meanwhile.
    if (auto made = make(on, until); !made && !are_there(on, until)) return made;
  }
  auto const tasks = numbering_of(on, names_.schema_of_task, names_.task_plain, until);
  if (!tasks) return fail(tasks.error());
  auto const groups = numbering_of(on, names_.schema_of_group, names_.group_plain, until);
  if (!groups) return fail(groups.error());
  has_children_ = on.run("SELECT children FROM " + names_.task + " WHERE 1 = 0", {}, until).has_value();
  if (!on.alive()) return fail(errc::unavailable, "the connection to the database was lost");
  tasks_.emplace(dialect_, task_layout(*tasks), aside_, expires_);
  groups_.emplace(dialect_, group_layout(*groups), aside_, expires_);
  return {};
}

// Celery writes the arguments with its result serializer, as text in octets.
expected<cell> celery_tables::encoded_cell(std::optional<value> const& v) const {
  if (!v || v->is_null()) return cell{};
  auto octets = form_.write(*v, false);
  if (!octets) return fail(octets.error());
  return cell{blob{*std::move(octets)}};
}

expected<row_to_store> celery_tables::to_row(result_record const& r, time_point now) const {
  if (auto fits = check_key(r.id.str(), longest_text, "celery_taskmeta.task_id"); !fits) return fail(fits.error());
  auto result = result_octets(r.result);
  if (!result) return fail(result.error());
  auto rest = r.extended;
  auto const args = encoded_cell(take(rest, "args"));
  auto const kwargs = encoded_cell(take(rest, "kwargs"));
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
  if (has_children_) {
    auto const* list = r.children.get_if<value::list>();
    auto children = encoded_cell(list != nullptr && !list->empty() ? std::optional{r.children} : std::nullopt);
    if (!children) return fail(children.error());
    out.cells.push_back(*std::move(children));
  }
  out.more = more_of(r, std::move(rest), !has_children_);
  return out;
}

void celery_tables::read_extended(result_record& to, sql::row const& from) const {
  auto const text = [&](char const* key, task_column column) {
    if (auto const* s = std::get_if<std::string>(&from[column])) to.extended.push_back({key, *s});
  };
  auto const arguments = [&](char const* key, task_column column) {
    auto const* octets = octets_of(from[column]);
    if (octets == nullptr) return;
    auto v = form_.read(*octets);
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
    auto result = !is_pickle(*octets)        ? form_.read(*octets)
                  : is_exception(out.status) ? wire::exception_from_pickle(*octets)
                                             : wire::from_pickle(*octets);
    if (!result) return fail(result.error());
    out.result = *std::move(result);
  }
  if (auto const* date = std::get_if<time_point>(&from.cells[c_date]); date != nullptr && out.ready())
    out.date_done = wire::to_iso(*date);
  if (auto const* text = std::get_if<std::string>(&from.cells[c_traceback])) out.traceback = *text;
  out.children = value::list{};
  if (auto const* octets = has_children_ ? octets_of(from.cells[c_children]) : nullptr)
    if (auto children = form_.read(*octets); children && children->is<value::list>())
      out.children = *std::move(children);
  read_extended(out, from.cells);
  apply_more(out, from.more);
  return out;
}

expected<row_to_store> celery_tables::to_row(wire::result_tuple const& group, time_point now) const {
  if (auto fits = check_key(group.id, longest_text, "celery_tasksetmeta.taskset_id"); !fits) return fail(fits.error());
  auto result = has_children_ ? form_.write(group.to_value(), false) : wire::group_to_pickle(group);
  if (!result) return fail(result.error());
  row_to_store out;
  out.date = now;
  out.cells = {group.id, blob{*std::move(result)}, now};
  return out;
}

expected<wire::result_tuple> celery_tables::to_group(stored_row const& from) const {
  auto const* octets = octets_of(from.cells[g_result]);
  if (octets == nullptr) return fail(errc::decode, "it has no members");
  if (is_pickle(*octets)) return wire::group_from_pickle(*octets);
  auto const v = form_.read(*octets);
  if (!v) return fail(v.error());
  return wire::result_tuple::from_value(*v);
}

}  // namespace

expected<std::unique_ptr<sql_tables>> make_celery_tables(sql::dialect d, settings const& with, std::string aside) {
  auto names = names_of(d, with);
  if (!names) return fail(names.error());
  auto const* arguments = wire::find_serializer(with.serializer);
  if (arguments == nullptr)
    return fail(errc::bad_config, "'" + with.serializer + "' is not known (json, msgpack, yaml)", "result_serializer");
  return std::unique_ptr<sql_tables>{
      std::make_unique<celery_tables>(d, *std::move(names), *arguments, std::move(aside), with.expires)};
}

}  // namespace lovage::backend
