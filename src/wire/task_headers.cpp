#include "wire/task_headers.hpp"

#include "wire/result_record.hpp"

#include <array>
#include <cmath>

namespace lovage::wire {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(header_key::custom)> header_names{
    "lang",
    "task",
    "id",
    "shadow",
    "eta",
    "expires",
    "group",
    "group_index",
    "retries",
    "timelimit",
    "root_id",
    "parent_id",
    "argsrepr",
    "kwargsrepr",
    "origin",
    "ignore_result",
    "replaced_task_nesting",
    "stamped_headers",
    "stamps",
    "compression",
    "redelivered"};

constexpr std::string_view name_of(header_key k) { return header_names[static_cast<std::size_t>(k)]; }

/// [hard, soft]; null, [] and a missing header mean none. A bare number ends a Python worker: an error here.
void read_timelimit(std::string_view key, value const& v, task_message& out, fields& in) {
  std::optional<double> hard, soft;
  if (auto const* pair = v.get_if<value::list>()) {
    if (!pair->empty() && pair->size() != 2) return in.refuse(key, "is no pair [hard, soft]");
    if (!pair->empty()) {
      in.number(key, pair->front(), hard);
      in.number(key, pair->back(), soft);
      if (!in.ok()) return;
    }
  } else if (!v.is_null()) {
    return in.wrong_kind(key, v, "[hard, soft] or null");
  }
  out.hard_limit_s = hard;
  out.soft_limit_s = soft;
}

void read_stamped_headers(std::string_view key, value const& v, task_message& out, fields& in) {
  if (v.is_null()) {
    out.stamped_headers.clear();
  } else if (auto const* names = v.get_if<value::list>()) {
    out.stamped_headers = *names;
  } else {
    in.wrong_kind(key, v, "list or null");
  }
}

void read_stamps(std::string_view key, value const& v, task_message& out, fields& in) {
  if (v.is_null()) {
    out.stamps.clear();
  } else if (auto const* stamps = v.get_if<value::map>()) {
    out.stamps = *stamps;
  } else {
    in.wrong_kind(key, v, "map or null");
  }
}

void read_for_humans(value const& v, std::string& out) {
  if (auto const* s = v.get_if<std::string>()) out = *s;
}

/// Seconds as Celery writes them: 5, not 5.0.
value seconds(std::optional<double> s) {
  if (!s) return {};
  if (std::abs(*s) < 9e15 && *s == std::trunc(*s)) return static_cast<std::int64_t>(*s);
  return *s;
}

class header_writer {
 public:
  explicit header_writer(std::size_t size) { out_.reserve(size); }
  void put(header_key k, value v) { out_.push_back({std::string{name_of(k)}, std::move(v)}); }
  void put(header_key k, std::optional<std::string>&& v) { put(k, v ? value{std::move(*v)} : value{}); }
  void put(header_key k, std::optional<datetime> const& v) { put(k, v ? value{to_iso(*v)} : value{}); }
  void put(header_key k, std::optional<std::int64_t> v) { put(k, v ? value{*v} : value{}); }
  void put_unless_empty(header_key k, std::string&& v) {
    if (!v.empty()) put(k, value{std::move(v)});
  }
  value::map take() { return std::move(out_); }

 private:
  value::map out_;
};

/// Celery 5.3 and later always write these three, 5.2 never, and all of them read a missing one as its default.
/// lovage writes them when one says something (docs/decisions: stamp headers only when used): then its messages are
/// exactly 5.2's or exactly 5.6's, and the plain ones are three headers shorter.
void put_newer_headers(header_writer& out, task_message& from) {
  if (from.replaced_task_nesting == 0 && from.stamped_headers.empty() && from.stamps.empty()) return;
  out.put(header_key::replaced_task_nesting, value{from.replaced_task_nesting});
  out.put(header_key::stamped_headers, from.stamped_headers.empty() ? value{} : value{std::move(from.stamped_headers)});
  out.put(header_key::stamps, value{std::move(from.stamps)});
}

}  // namespace

header_key find_header_key(std::string_view key, header_key hint) noexcept {
  auto const start = static_cast<std::size_t>(hint);
  for (std::size_t i = 0; i < header_names.size(); ++i) {
    std::size_t const at = start + i < header_names.size() ? start + i : start + i - header_names.size();
    if (header_names[at] == key) return static_cast<header_key>(at);
  }
  return header_key::custom;
}

// A table in the shape of a switch: longer than 40 lines, one line a header.
void read_header(header_key which, std::string_view key, value const& v, task_message& out, fields& in) {
  switch (which) {
    case header_key::lang: return read_for_humans(v, out.lang);
    case header_key::task: return in.name(key, v, out.task);
    case header_key::id: {
      std::string id;
      in.name(key, v, id);
      out.id = task_id{std::move(id)};
      return;
    }
    case header_key::shadow: return in.text(key, v, out.shadow);
    case header_key::eta: return in.time(key, v, out.eta);
    case header_key::expires: return in.time(key, v, out.expires);
    case header_key::group: return in.text(key, v, out.group);
    case header_key::group_index: return in.integer(key, v, out.group_index);
    case header_key::retries: return in.integer(key, v, out.retries);
    case header_key::timelimit: return read_timelimit(key, v, out, in);
    case header_key::root_id: return in.text(key, v, out.root_id);
    case header_key::parent_id: return in.text(key, v, out.parent_id);
    case header_key::argsrepr: return read_for_humans(v, out.argsrepr);
    case header_key::kwargsrepr: return read_for_humans(v, out.kwargsrepr);
    case header_key::origin: return read_for_humans(v, out.origin);
    case header_key::ignore_result:
      in.boolean(key, v, out.ignore_result);
      out.result_wanted = v.is<bool>() && !out.ignore_result;
      return;
    case header_key::replaced_task_nesting: return in.integer(key, v, out.replaced_task_nesting);
    case header_key::stamped_headers: return read_stamped_headers(key, v, out, in);
    case header_key::stamps: return read_stamps(key, v, out, in);
    case header_key::compression:
    case header_key::redelivered:
    case header_key::custom: return;
  }
}

expected<void> decode_headers(value::map const& headers, task_message& out) {
  fields in{"headers", "header"};
  auto hint = header_key::lang;
  out.lang.clear();
  for (auto const& [key, v] : headers) {
    auto const which = find_header_key(key, hint);
    if (which == header_key::custom) {
      out.extra_headers.push_back({key, v});
      continue;
    }
    read_header(which, key, v, out, in);
    if (!in.ok()) return fail(in.take_error());
    hint = which == header_key::redelivered ? header_key::lang : static_cast<header_key>(int(which) + 1);
  }
  if (out.task.empty()) in.missing("task");
  if (out.id.empty()) in.missing("id");
  if (!in.ok()) return fail(in.take_error());
  return {};
}

void decode_custom_headers(value::map const& headers, task_message& out) {
  for (auto const& item : headers)
    if (find_header_key(item.key) == header_key::custom) out.extra_headers.push_back(item);
}

// Null leaves it to the task; before Celery 5.7 it means the same as false.
static value ignore_result(task_message const& from) {
  if (!from.ignore_result && !from.result_wanted) return {};
  return from.ignore_result;
}

expected<value::map> encode_headers(task_message& from, std::string_view compression) {
  header_writer out{header_names.size() + from.extra_headers.size()};
  out.put(header_key::lang, value{std::move(from.lang)});
  out.put(header_key::task, value{std::move(from.task)});
  out.put(header_key::id, value{from.id.str()});
  out.put(header_key::shadow, std::move(from.shadow));
  out.put(header_key::eta, from.eta);
  out.put(header_key::expires, from.expires);
  out.put(header_key::group, std::move(from.group));
  out.put(header_key::group_index, from.group_index);
  out.put(header_key::retries, value{from.retries});
  out.put(header_key::timelimit, value{value::list{seconds(from.hard_limit_s), seconds(from.soft_limit_s)}});
  out.put(header_key::root_id, std::move(from.root_id));
  out.put(header_key::parent_id, std::move(from.parent_id));
  // A worker makes its own texts when these are missing, and shows an empty one as it is.
  out.put_unless_empty(header_key::argsrepr, std::move(from.argsrepr));
  out.put_unless_empty(header_key::kwargsrepr, std::move(from.kwargsrepr));
  out.put_unless_empty(header_key::origin, std::move(from.origin));
  out.put(header_key::ignore_result, ignore_result(from));
  put_newer_headers(out, from);
  auto headers = out.take();
  for (auto& item : from.extra_headers) {
    if (find_header_key(item.key) != header_key::custom)
      return fail(errc::encode, "custom header '" + item.key + "' bears a name of the protocol's own",
                  "headers." + item.key);
    headers.push_back(std::move(item));
  }
  if (!compression.empty()) headers.push_back({std::string{name_of(header_key::compression)}, compression});
  return headers;
}

}  // namespace lovage::wire
