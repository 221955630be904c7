#include "config/config_access.hpp"
#include "config/structured_values.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace lovage {
namespace {

using settings::setting;

// A row that the class itself names: it exists.
setting const& row_of(std::string_view name) {
  if (auto const* row = settings::find(name)) return *row;
  throw error{errc::internal, "no such setting: " + std::string{name}};
}

[[noreturn]] void raise(error_info info, std::string where = {}) {
  if (info.where.empty()) info.where = std::move(where);
  throw error{std::move(info)};
}

// Celery: a word before a dot is the section, and a bare name belongs to the worker.
std::string option_name(std::string_view written) {
  std::string name{written};
  std::replace(name.begin(), name.end(), '.', '_');
  std::replace(name.begin(), name.end(), '-', '_');
  if (settings::find_spelling(name)) return name;
  auto in_worker = "worker_" + name;
  return settings::find(in_worker) ? in_worker : name;
}

std::chrono::milliseconds to_ms(value const& seconds) {
  if (auto const* i = seconds.get_if<std::int64_t>()) return std::chrono::milliseconds{*i * 1000};
  if (auto const* d = seconds.get_if<double>()) return std::chrono::milliseconds{std::llround(*d * 1000)};
  return {};
}

template <class T>
T or_nothing(value const& v) {
  auto const* p = v.get_if<T>();
  return p ? *p : T{};
}

}  // namespace

expected<void> config_access::put(config& c, setting const& row, value const& v, settings::texts how,
                                  std::string origin) {
  value canonical;
  if (!v.is_null()) {
    auto checked = settings::check(row, v, how);
    if (!checked) return fail(checked.error());
    canonical = std::move(*checked);
  }
  auto const it = std::find_if(c.entries_.begin(), c.entries_.end(), [&](auto const& e) { return e.name == row.name; });
  if (canonical.is_null()) {
    if (it != c.entries_.end()) c.entries_.erase(it);
  } else if (it != c.entries_.end()) {
    it->val = std::move(canonical);
    it->origin = std::move(origin);
  } else {
    c.entries_.push_back({row.name, std::move(canonical), std::move(origin)});
  }
  return {};
}

void config_access::warn(config& c, std::string text) {
  if (std::find(c.warnings_.begin(), c.warnings_.end(), text) == c.warnings_.end())
    c.warnings_.push_back(std::move(text));
}

value config_access::effective(config const& c, setting const& row) {
  if (auto const* e = c.find(row.name)) return e->val;
  if (row.name == "broker_url") return value{default_store_url(process_environment())};
  if (row.name == "broker_read_url" || row.name == "broker_write_url") return value{c.broker_url()};
  if (row.name == "result_backend") {
    auto const broker = c.broker_url();
    bool const keeps_results = broker.starts_with("sqlite:") || broker.starts_with("memory:");
    return value{keeps_results ? broker : std::string{}};
  }
  return settings::initial_value(row);
}

config& config::assign(std::string_view name, value v) {
  auto const stored = config_access::put(*this, row_of(name), v, settings::texts::any_type, "code");
  if (!stored) raise(stored.error());
  return *this;
}

config& config::set(std::string_view name, value v, std::string origin) {
  auto const* row = settings::find_spelling(name);
  auto const where = origin == "code" ? std::string{} : origin;
  if (!row) raise({errc::bad_config, settings::unknown_text(name), where});
  if (!row->in_effect) {
    config_access::warn(*this, settings::inert_text(*row));
    return *this;
  }
  auto const stored = config_access::put(*this, *row, v, settings::texts::any_type, std::move(origin));
  if (!stored) raise(stored.error(), where);
  return *this;
}

config& config::set_option(std::string_view assignment) {
  auto const equals = assignment.find('=');
  if (equals == assignment.npos || equals == 0) {
    raise({errc::bad_config, "a setting is given as name=value, such as worker_concurrency=8", "option"});
  }
  return set(option_name(assignment.substr(0, equals)), value{assignment.substr(equals + 1)}, "option");
}

config::entry const* config::find(std::string_view name) const noexcept {
  auto const it = std::find_if(entries_.begin(), entries_.end(), [&](entry const& e) { return e.name == name; });
  return it == entries_.end() ? nullptr : &*it;
}

value config::get(std::string_view name) const {
  auto const* row = settings::find_spelling(name);
  if (!row) raise({errc::bad_config, settings::unknown_text(name), {}});
  return row->in_effect ? config_access::effective(*this, *row) : value{};
}

std::string config::origin(std::string_view name) const {
  auto const* row = settings::find_spelling(name);
  if (!row) raise({errc::bad_config, settings::unknown_text(name), {}});
  auto const* e = find(row->name);
  return e ? e->origin : "default";
}

bool config::is_set(std::string_view name) const {
  auto const* row = settings::find_spelling(name);
  return row && find(row->name) != nullptr;
}

void config::read(std::string_view name, std::string& out) const {
  out = or_nothing<std::string>(config_access::effective(*this, row_of(name)));
}

void config::read(std::string_view name, bool& out) const {
  out = or_nothing<bool>(config_access::effective(*this, row_of(name)));
}

void config::read(std::string_view name, maybe_flag_type& out) const {
  auto const v = config_access::effective(*this, row_of(name));
  out = v.is_null() ? std::nullopt : std::optional{or_nothing<bool>(v)};
}

void config::read(std::string_view name, int& out) const {
  out = static_cast<int>(or_nothing<std::int64_t>(config_access::effective(*this, row_of(name))));
}

void config::read(std::string_view name, maybe_integer_type& out) const {
  auto const v = config_access::effective(*this, row_of(name));
  out = v.is_null() ? std::nullopt : std::optional{static_cast<int>(or_nothing<std::int64_t>(v))};
}

void config::read(std::string_view name, seconds_type& out) const {
  out = to_ms(config_access::effective(*this, row_of(name)));
}

void config::read(std::string_view name, names_type& out) const {
  for (auto const& item : or_nothing<value::list>(config_access::effective(*this, row_of(name)))) {
    out.push_back(or_nothing<std::string>(item));
  }
}

void config::read(std::string_view name, routes_type& out) const {
  out = settings::routes_of(config_access::effective(*this, row_of(name)));
}

void config::read(std::string_view name, queues_type& out) const {
  out = settings::queues_of(config_access::effective(*this, row_of(name)));
}

void config::read(std::string_view name, map_type& out) const {
  out = or_nothing<value::map>(config_access::effective(*this, row_of(name)));
}

void config::read(std::string_view name, tls_type& out) const {
  out = settings::tls_of(config_access::effective(*this, row_of(name)));
}

value config::to_value(seconds_type v) {
  if (v.count() % 1000 == 0) return value{v.count() / 1000};
  return value{static_cast<double>(v.count()) / 1000};
}

value config::to_value(names_type const& v) { return value{value::list(v.begin(), v.end())}; }

value config::to_value(routes_type const& v) { return settings::value_of(v); }
value config::to_value(queues_type const& v) { return settings::value_of(v); }
value config::to_value(tls_type const& v) { return settings::value_of(v); }

std::string humanize(config const& c, bool with_defaults) {
  std::string out;
  for (auto const& row : settings::table()) {
    if (!row.in_effect || !(with_defaults || c.is_set(row.name))) continue;
    auto const text = settings::is_secret(row.name) ? "**" : settings::show(row, config_access::effective(c, row));
    out += std::string{row.name} + " = " + text + "   # " + c.origin(row.name) + "\n";
  }
  return out;
}

}  // namespace lovage
