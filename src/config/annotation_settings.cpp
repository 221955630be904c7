// task_annotations: a task's name, or "*", and a table of options.
#include "config/setting_text.hpp"
#include "config/structured_values.hpp"
#include "config/table_setting.hpp"

#include <cstdint>
#include <utility>

namespace lovage::settings {
namespace {

// What task_options::merge knows.
constexpr setting task_rows[] = {
    {"rate_limit", true, kind::text, "", "none", "10/m", "", ""},
    {"time_limit", true, kind::seconds, "", "0..31536000", "300", "", ""},
    {"soft_time_limit", true, kind::seconds, "", "0..31536000", "240", "", ""},
    {"max_retries", true, kind::integer, "", "0..1000000000", "5", "", ""},
    {"default_retry_delay", true, kind::seconds, "", "0..3153600000", "180", "", ""},
    {"retry_backoff", true, kind::seconds, "", "0..3153600000", "1", "", ""},
    {"retry_backoff_max", true, kind::seconds, "", "0..3153600000", "600", "", ""},
    {"retry_jitter", true, kind::flag, "", "", "false", "", ""},
    {"ignore_result", true, kind::flag, "", "", "true", "", ""},
    {"store_errors_even_if_ignored", true, kind::flag, "", "", "true", "", ""},
    {"track_started", true, kind::flag, "", "", "true", "", ""},
    {"acks_late", true, kind::flag, "", "", "false", "", ""},
    {"acks_on_failure_or_timeout", true, kind::flag, "", "", "false", "", ""},
    {"acks_on_failure", true, kind::flag, "", "", "false", "", ""},
    {"acks_on_timeout", true, kind::flag, "", "", "false", "", ""},
    {"reject_on_worker_lost", true, kind::flag, "", "", "false", "", ""},
};

bool is_none(value const& v) {
  auto const* s = v.get_if<std::string>();
  return v.is_null() || (s && lowered(trim(*s)) == "none");
}

// Celery's other types: a number of starts a second, and a backoff that is only on or off.
value in_own_type(std::string_view key, value const& v) {
  if (key == "rate_limit" && (v.is<std::int64_t>() || v.is<double>())) return value{quoted(v)};
  if (auto const* on = v.get_if<bool>(); on && key == "retry_backoff") return value{*on ? 1 : 0};
  return v;
}

expected<value::map> check_options(value::map const& given, texts how) {
  value::map rest;
  bool for_ever = false;
  for (auto const& [key, v] : given) {
    if (key == "max_retries" && is_none(v)) {
      for_ever = true;
    } else {
      rest.push_back({key, in_own_type(key, v)});
    }
  }
  auto out = check_members(rest, task_rows, how);
  if (!out || !for_ever) return out;
  if (find(*out, "max_retries")) return fail(errc::bad_config, "max_retries stands twice");
  out->push_back({"max_retries", value{}});
  return out;
}

class annotation_table {
 public:
  explicit annotation_table(texts how) : how_{how} {}

  expected<void> add_all(value::map const& tasks) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      auto const& name = tasks[i].key;
      auto const shown = "\"" + name.substr(0, 80) + "\"";
      if (name.empty()) return fail(errc::bad_config, "a task has no name");
      for (std::size_t earlier = 0; earlier < i; ++earlier)
        if (tasks[earlier].key == name) return fail(errc::bad_config, shown + " stands twice");
      auto const* options = tasks[i].val.get_if<value::map>();
      if (!options)
        return fail(errc::bad_config, shown + " is " + quoted(tasks[i].val) + ", and takes a table of options");
      auto checked = check_options(*options, how_);
      if (!checked) return fail(errc::bad_config, shown + ": " + checked.error().detail);
      if (!find(out_, name)) out_.push_back({name, value{*std::move(checked)}});  // of several tables the first counts
    }
    return {};
  }

  expected<void> add_all(value::list const& tables) {
    for (auto const& item : tables) {
      auto const* table = item.get_if<value::map>();
      if (!table) return fail(errc::bad_config, "an item is " + quoted(item) + ", and not a table of task names");
      if (auto ok = add_all(*table); !ok) return ok;
    }
    return {};
  }

  [[nodiscard]] value take() { return value{std::move(out_)}; }

 private:
  texts how_;
  value::map out_;
};

expected<value> annotations_of_text(std::string_view text) {
  if (text.empty() || text == "none") return value{value::map{}};
  return from_json_text(text);
}

}  // namespace

expected<value> check_annotations(setting const& row, value const& v, texts how) {
  return check_table<annotation_table>(row, v, how, annotations_of_text);
}

}  // namespace lovage::settings
