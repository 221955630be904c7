#include "wire/pickle.hpp"

#include "wire/civil.hpp"
#include "wire/limits.hpp"
#include "wire/pickle_integer.hpp"
#include "wire/pickle_tree.hpp"
#include "wire/result_record.hpp"
#include "wire/task_message.hpp"
#include "wire/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace lovage::wire {
namespace {

using node = pickle_node;
using node_kind = pickle_node::kind;

// A node that is a member of many counts each time: a short pickle can be a tree without end. More than this for each
// octet of it is no accident.
constexpr std::size_t members_per_octet = 64, octets_per_octet = 256, always_allowed = 100'000;

/// Thrown within this file only.
struct unreadable_pickle {
  errc code;
  std::string detail;
};

std::string class_of(node const& n);

/// Protocols 0 and 1: `copyreg._reconstructor(class, base, None)`, then the state.
bool is_reconstructed(node const& n) {
  return n.is == node_kind::object && n.callee->is == node_kind::global && n.callee->name == "_reconstructor" &&
         !n.arguments->members.empty() && n.arguments->members.front()->is == node_kind::global;
}

std::string class_of(node const& n) {
  if (n.is == node_kind::global) return n.module + "." + n.name;
  if (is_reconstructed(n)) return class_of(*n.arguments->members.front());
  if (n.is == node_kind::object && n.callee->is == node_kind::global) return class_of(*n.callee);
  return "?";
}

[[noreturn]] void refuse(node const& n) {
  throw unreadable_pickle{errc::not_supported,
                          "it holds an object of Python's class " + class_of(n) +
                              ", which is not built here on purpose; store plain data (numbers, texts, lists, dicts)"};
}

/// The arguments of a call, in their number.
std::vector<node*> const& arguments_of(node const& n) { return n.arguments->members; }

bool is_class(node const& n, std::string_view name) {
  return n.is == node_kind::object && n.callee->is == node_kind::global && class_of(*n.callee) == name;
}

class pickle_reader {
 public:
  explicit pickle_reader(std::size_t size)
      : most_members_{always_allowed + members_per_octet * size},
        most_octets_{always_allowed + octets_per_octet * size} {}
  value read(node const& n);
  value read_exception(node const& n);
  result_tuple read_result(node const& n);

 private:
  value read_object(node const& n);
  value::map read_members(std::vector<node*> const& pairs);
  value::list read_list(std::vector<node*> const& members);
  value::list exception_arguments(node const& n);
  std::string key_of(node const& n);
  std::string octets(node const& n, std::size_t size);
  value read_encoded(node const& n);
  value read_datetime(node const& n);
  value read_time(node const& n);
  value read_uuid(node const& n);
  std::optional<std::int32_t> offset_of(node const& zone);
  std::int64_t small(node const& n);
  void count(node const& n);

  std::size_t const most_members_, most_octets_;
  std::size_t members_ = 0, octets_ = 0;
  int depth_ = 0;
};

void pickle_reader::count(node const& n) {
  if (auto const* text = n.scalar.get_if<std::string>()) octets_ += text->size();
  if (auto const* data = n.scalar.get_if<bytes>()) octets_ += data->data.size();
  if (++members_ > most_members_ || octets_ > most_octets_)
    throw unreadable_pickle{errc::decode, "it refers to its parts so often that it becomes too large"};
}

value pickle_reader::read(node const& n) {
  count(n);
  if (depth_ >= max_nesting) throw unreadable_pickle{errc::decode, nested_too_deep()};
  ++depth_;
  value out;
  switch (n.is) {
    case node_kind::scalar: out = n.scalar; break;
    case node_kind::list:
    case node_kind::tuple:
    case node_kind::set: out = read_list(n.members); break;
    case node_kind::dict: out = read_members(n.members); break;
    case node_kind::global: refuse(n);
    case node_kind::object: out = read_object(n); break;
  }
  --depth_;
  return out;
}

value::list pickle_reader::read_list(std::vector<node*> const& members) {
  value::list out;
  out.reserve(members.size());
  for (auto const* m : members) out.push_back(read(*m));
  return out;
}

// As Python's JSON does it.
std::string pickle_reader::key_of(node const& n) {
  auto v = read(n);
  if (auto* text = v.get_if<std::string>()) return std::move(*text);
  if (v.is_null()) return "null";
  if (auto const* b = v.get_if<bool>()) return *b ? "true" : "false";
  if (v.is<std::int64_t>() || v.is<std::uint64_t>() || v.is<double>() || v.is<big_integer>()) return repr(v);
  throw unreadable_pickle{errc::not_supported, std::string{"a dict has a key that is "} + v.kind() + ", not text"};
}

value::map pickle_reader::read_members(std::vector<node*> const& pairs) {
  value::map out;
  out.reserve(pairs.size() / 2);
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    auto key = key_of(*pairs[i]);
    out.push_back({std::move(key), read(*pairs[i + 1])});
  }
  keep_last_of_equal_keys(out);
  return out;
}

std::int64_t pickle_reader::small(node const& n) {
  auto const* v = n.scalar.get_if<std::int64_t>();
  if (v == nullptr || *v < -1'000'000'000'000 || *v > 1'000'000'000'000) refuse(n);
  return *v;
}

std::string pickle_reader::octets(node const& n, std::size_t size) {
  auto v = read(n);
  auto* data = v.get_if<bytes>();
  if (data == nullptr || data->data.size() != size)
    throw unreadable_pickle{errc::decode, "a date or time has no " + std::to_string(size) + " octets"};
  return std::move(data->data);
}

/// `datetime.timezone(timedelta(days, seconds, microseconds))`.
std::optional<std::int32_t> pickle_reader::offset_of(node const& zone) {
  if (!is_class(zone, "datetime.timezone") || arguments_of(zone).empty()) refuse(zone);
  auto const& delta = *arguments_of(zone).front();
  if (!is_class(delta, "datetime.timedelta") || arguments_of(delta).size() < 2) refuse(zone);
  auto const s = small(*arguments_of(delta)[0]) * 86'400 + small(*arguments_of(delta)[1]);
  if (s <= -86'400 || s >= 86'400) refuse(zone);
  return static_cast<std::int32_t>(s);
}

std::int64_t time_of(std::string_view six) {
  auto const at = [&](std::size_t i) { return std::int64_t{static_cast<unsigned char>(six[i])}; };
  return (at(0) * 3'600 + at(1) * 60 + at(2)) * us_per_second + (at(3) << 16 | at(4) << 8 | at(5));
}

date date_of(std::string_view four) {
  auto const at = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(four[i])); };
  civil const day{at(0) << 8 | at(1), at(2), at(3)};
  if (day.month < 1 || day.month > 12 || day.day < 1 || day.day > days_in_month(day.year, day.month))
    throw unreadable_pickle{errc::decode, "a date is none"};
  return date{static_cast<std::int32_t>(days_from_civil(day))};
}

value pickle_reader::read_datetime(node const& n) {
  auto const& given = arguments_of(n);
  auto text = octets(*given[0], 10);
  text[2] = static_cast<char>(text[2] & 0x7f);  // the highest bit is the `fold`
  datetime out{date_of(text).days * us_per_day + time_of(std::string_view{text}.substr(4)), std::nullopt};
  if (given.size() > 1) out.offset_s = offset_of(*given[1]);
  return out;
}

value pickle_reader::read_time(node const& n) {
  if (arguments_of(n).size() > 1) refuse(n);
  auto text = octets(*arguments_of(n)[0], 6);
  text[0] = static_cast<char>(text[0] & 0x7f);
  return time_of_day{time_of(text)};
}

/// Of its 128 bits as one number.
std::optional<uuid> uuid_of_integer(value const& v) {
  auto const octets = octets_of_integer(repr(v));
  if (!octets || octets->size() > 17) return std::nullopt;
  uuid out;
  for (std::size_t i = 0; i < std::min<std::size_t>(octets->size(), 16); ++i)
    out.octets[15 - i] = static_cast<std::uint8_t>((*octets)[i]);
  return out;
}

/// Python gives its integer as state; we write its text as argument.
value pickle_reader::read_uuid(node const& n) {
  if (!is_reconstructed(n) && !arguments_of(n).empty()) {
    auto const v = read(*arguments_of(n)[0]);
    auto const* text = v.get_if<std::string>();
    if (auto const id = text != nullptr ? uuid::parse(*text) : std::nullopt) return *id;
  } else if (n.state != nullptr && n.state->is == node_kind::dict) {
    auto const& pairs = n.state->members;
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      auto const* name = pairs[i]->scalar.get_if<std::string>();
      if (name == nullptr || *name != "int") continue;
      if (auto const id = uuid_of_integer(pairs[i + 1]->scalar)) return *id;
    }
  }
  refuse(n);
}

/// Bytes, as Python 3 writes them for Python 2: `_codecs.encode(text, "latin1")`.
value pickle_reader::read_encoded(node const& n) {
  auto const v = read(*arguments_of(n)[0]);
  auto const* text = v.get_if<std::string>();
  if (text == nullptr) refuse(n);
  bytes out;
  for (std::string_view left{*text}; !left.empty();) {
    auto const c = first_code_point(left, true);
    if (c.size == 0 || c.value > 0xff) throw unreadable_pickle{errc::decode, "bytes have no octets"};
    out.data += static_cast<char>(c.value);
    left.remove_prefix(c.size);
  }
  return out;
}

value pickle_reader::read_object(node const& n) {
  if (n.callee->is != node_kind::global) refuse(n);
  auto name = class_of(n);
  if (name.starts_with("__builtin__.")) name.replace(0, 11, "builtins");
  auto const& given = arguments_of(n);
  if (name == "collections.OrderedDict" || name == "collections.defaultdict") {
    if (name == "collections.OrderedDict" && !given.empty()) refuse(n);
    return read_members(n.members);
  }
  if (name == "uuid.UUID") return read_uuid(n);
  if (is_reconstructed(n)) refuse(n);
  if (given.empty()) {
    if (name == "builtins.set" || name == "builtins.frozenset") return value::list{};
    if (name == "builtins.bytes" || name == "builtins.bytearray" || name == "_codecs.encode") return bytes{};
    refuse(n);
  }
  if (name == "datetime.datetime") return read_datetime(n);
  if (name == "datetime.date") return date_of(octets(*given[0], 4));
  if (name == "datetime.time") return read_time(n);
  if (name == "_codecs.encode") return read_encoded(n);
  if (name == "builtins.bytearray") {
    if (given.size() > 1) return read_encoded(n);
    if (auto v = read(*given[0]); v.is<bytes>()) return v;
  }
  if (name == "builtins.set" || name == "builtins.frozenset") {
    if (auto v = read(*given[0]); v.is<value::list>()) return v;
  }
  if (name == "decimal.Decimal") {
    auto const v = read(*given[0]);
    if (auto const* text = v.get_if<std::string>()) return decimal{*text};
  }
  refuse(n);
}

// What cannot be read of the arguments is told by its class: the exception itself matters more.
value::list pickle_reader::exception_arguments(node const& n) {
  value::list out;
  for (auto const* a : arguments_of(n)) {
    auto const depth = depth_;
    try {
      out.push_back(read(*a));
    } catch (unreadable_pickle const& why) {
      if (why.code != errc::not_supported) throw;
      depth_ = depth;
      out.push_back("<" + class_of(*a) + ">");
    }
  }
  return out;
}

value pickle_reader::read_exception(node const& n) {
  if (n.is != node_kind::object || n.callee->is != node_kind::global) return read(n);
  exception_info out{n.callee->name, exception_arguments(n), n.callee->module};
  // Celery's stand-in for one that could not be pickled: (module, name, arguments, text).
  if (out.type == "UnpickleableExceptionWrapper" && out.message.size() >= 3) {
    auto const* module = out.message[0].get_if<std::string>();
    auto const* name = out.message[1].get_if<std::string>();
    auto* arguments = out.message[2].get_if<value::list>();
    if (module != nullptr && name != nullptr && arguments != nullptr)
      return exception_info{*name, *arguments, *module}.to_value();
  }
  return out.to_value();
}

/// `_unpickle_appattr("GroupResult", (id, [members]))`, `_unpickle_appattr("AsyncResult", (id, ...))`, or what we
/// write: `result_from_tuple(...)`.
result_tuple pickle_reader::read_result(node const& n) {
  count(n);
  if (n.is != node_kind::object || arguments_of(n).empty()) refuse(n);
  auto const& given = arguments_of(n);
  if (is_class(n, "celery.result.result_from_tuple")) {
    auto out = result_tuple::from_value(read(*given[0]));
    if (!out) throw unreadable_pickle{errc::decode, out.error().text()};
    return *std::move(out);
  }
  // Of an app that is not the current one the class is called itself.
  constexpr std::string_view own = "celery.result.";
  auto const name = class_of(n);
  bool const is_called = name == "celery.result.GroupResult" || name == "celery.result.AsyncResult";
  if (!is_called &&
      (name != "celery.app.base._unpickle_appattr" || given.size() != 2 || given[1]->is != node_kind::tuple))
    refuse(n);
  auto const* said = is_called ? nullptr : given[0]->scalar.get_if<std::string>();
  auto const type = is_called ? name.substr(own.size()) : said != nullptr ? *said : std::string{};
  auto const& parts = is_called ? given : given[1]->members;
  auto const* id = parts.empty() ? nullptr : parts[0]->scalar.get_if<std::string>();
  if (id == nullptr || depth_ >= max_nesting) refuse(n);
  ++depth_;
  result_tuple out{*id, {}, {}};
  if (type == "GroupResult" && parts.size() > 1) {
    out.children.emplace();
    for (auto const* m : parts[1]->members) out.children->push_back(read_result(*m));
  }
  --depth_;
  return out;
}

template <class F>
auto read_with(std::string_view data, F&& f)
    -> expected<decltype(f(std::declval<pickle_reader&>(), std::declval<node&>()))> {
  auto tree = read_pickle(data);
  if (!tree) return fail(tree.error());
  try {
    pickle_reader reader{data.size()};
    return f(reader, *tree->root);
  } catch (unreadable_pickle const& why) {
    return fail(why.code, "the pickle cannot be read: " + why.detail, "pickle");
  }
}

}  // namespace

expected<value> from_pickle(std::string_view data) {
  return read_with(data, [](pickle_reader& r, node& n) { return r.read(n); });
}

expected<value> exception_from_pickle(std::string_view data) {
  return read_with(data, [](pickle_reader& r, node& n) { return r.read_exception(n); });
}

expected<result_tuple> group_from_pickle(std::string_view data) {
  return read_with(data, [](pickle_reader& r, node& n) { return r.read_result(n); });
}

}  // namespace lovage::wire
