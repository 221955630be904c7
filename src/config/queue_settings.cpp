// task_queues: one name or one table a queue.
#include "config/setting_text.hpp"
#include "config/structured_values.hpp"
#include "config/table_setting.hpp"

#include <cstdint>
#include <utility>

namespace lovage::settings {
namespace {

// kombu's names for the options of a Queue; those that need another client than ours are not among them.
constexpr setting queue_options[] = {
    {"exchange", true, kind::text, "", "1..", "media", "", ""},
    {"exchange_type", true, kind::choice, "direct", "direct|topic|fanout", "topic", "", ""},
    {"routing_key", true, kind::text, "", "", "news.#", "binding_key", ""},
    {"queue_arguments", true, kind::map, "", "", "{\"x-queue-type\": \"quorum\"}", "arguments", ""},
    {"max_priority", true, kind::integer, "", "1..255", "10", "", ""},
    {"message_ttl", true, kind::seconds, "", "0..315360000", "1h", "", ""},
    {"expires", true, kind::seconds, "", "0.001..4294967", "1h", "", ""},
    {"max_length", true, kind::integer, "", "0..1000000000000", "1000", "", ""},
    {"max_length_bytes", true, kind::integer, "", "0..1000000000000", "1000000", "", ""},
    {"durable", true, kind::flag, "", "", "true", "", ""},
    {"auto_delete", true, kind::flag, "", "", "false", "", ""},
    {"exclusive", true, kind::flag, "", "", "false", "", ""},
    {"broadcast", true, kind::flag, "", "", "true", "", ""},
};

constexpr std::size_t longest_queue = 255;  // AMQP's

expected<void> check_name(std::string_view name) {
  if (trim(name).empty()) return fail(errc::bad_config, "a queue has no name");
  if (name.size() > longest_queue) return fail(errc::bad_config, "a queue's name is longer than 255 octets");
  if (name.find('\0') != name.npos) return fail(errc::bad_config, "a zero byte cannot stand in a queue's name");
  return {};
}

class queue_table {
 public:
  explicit queue_table(texts how) : how_{how} {}

  expected<void> add(std::string_view name, value::map const& options) {
    if (auto ok = check_name(name); !ok) return ok;
    if (find(out_, name)) return fail(errc::bad_config, "queue '" + std::string{name} + "' stands twice");
    auto checked = check_members(options, queue_options, how_);
    if (!checked) return fail(errc::bad_config, "queue '" + std::string{name} + "': " + checked.error().detail);
    if (find(*checked, "exchange_type") && !find(*checked, "exchange") && !find(*checked, "broadcast"))
      return fail(errc::bad_config, "queue '" + std::string{name} + "': exchange_type needs its exchange");
    out_.push_back({std::string{name}, *std::move(checked)});
    return {};
  }

  // From a table of queues.
  expected<void> add_all(value::map const& queues) {
    for (auto const& [name, options] : queues) {
      auto const* m = options.get_if<value::map>();
      if (!m && !options.is_null())
        return fail(errc::bad_config, "queue '" + name + "' is " + quoted(options) + ", and takes a table of options");
      if (auto ok = add(name, m ? *m : value::map{}); !ok) return ok;
    }
    return {};
  }

  // From a list: names, and tables with a name.
  expected<void> add_all(value::list const& queues) {
    for (auto const& item : queues) {
      if (auto const* name = item.get_if<std::string>()) {
        if (auto ok = add(trim(*name), {}); !ok) return ok;
        continue;
      }
      auto const* options = item.get_if<value::map>();
      auto const* name_value = options ? find(*options, "name") : nullptr;
      auto const* name = name_value ? name_value->get_if<std::string>() : nullptr;
      if (!name) return fail(errc::bad_config, "an item is " + quoted(item) + " without a name");
      value::map rest = *options;
      std::erase_if(rest, [](auto const& member) { return member.key == "name"; });
      if (auto ok = add(*name, rest); !ok) return ok;
    }
    return {};
  }

  [[nodiscard]] value take() { return value{std::move(out_)}; }

 private:
  texts how_;
  value::map out_;
};

expected<value> names_as_list(std::string_view text) {
  if (text.starts_with('{') || text.starts_with('[')) return from_json_text(text);
  value::list out;
  if (text != "none")
    for (auto const part : split(text, ',')) out.emplace_back(part);
  return value{std::move(out)};
}

template <class T>
std::optional<T> option(value::map const& m, std::string_view key) {
  auto const* v = find(m, key);
  auto const* p = v ? v->get_if<T>() : nullptr;
  return p ? std::optional{*p} : std::nullopt;
}

std::optional<task_queue::seconds> seconds_option(value::map const& m, std::string_view key) {
  if (auto const whole = option<std::int64_t>(m, key)) return task_queue::seconds{static_cast<double>(*whole)};
  auto const part = option<double>(m, key);
  return part ? std::optional{task_queue::seconds{*part}} : std::nullopt;
}

task_queue queue_of(std::string const& name, value::map const& m) {
  task_queue q{name};
  q.exchange_ = option<std::string>(m, "exchange");
  q.exchange_type_ = option<std::string>(m, "exchange_type");
  q.routing_key_ = option<std::string>(m, "routing_key");
  q.arguments_ = option<value::map>(m, "queue_arguments").value_or(value::map{});
  if (auto const n = option<std::int64_t>(m, "max_priority")) q.max_priority(static_cast<int>(*n));
  q.message_ttl_ = seconds_option(m, "message_ttl");
  q.expires_ = seconds_option(m, "expires");
  q.max_length_ = option<std::int64_t>(m, "max_length");
  q.max_length_bytes_ = option<std::int64_t>(m, "max_length_bytes");
  q.durable_ = option<bool>(m, "durable");
  q.auto_delete_ = option<bool>(m, "auto_delete");
  q.exclusive_ = option<bool>(m, "exclusive");
  q.broadcast_ = option<bool>(m, "broadcast");
  return q;
}

template <class T>
void put(value::map& to, char const* key, std::optional<T> const& v) {
  if (!v) return;
  if constexpr (std::same_as<T, task_queue::seconds>) {
    to.push_back({key, v->count()});
  } else {
    to.push_back({key, value{*v}});
  }
}

value::map options_of(task_queue const& q) {
  value::map out;
  put(out, "exchange", q.exchange_);
  put(out, "exchange_type", q.exchange_type_);
  put(out, "routing_key", q.routing_key_);
  if (!q.arguments_.empty()) out.push_back({"queue_arguments", q.arguments_});
  put(out, "max_priority", q.max_priority_);
  put(out, "message_ttl", q.message_ttl_);
  put(out, "expires", q.expires_);
  put(out, "max_length", q.max_length_);
  put(out, "max_length_bytes", q.max_length_bytes_);
  put(out, "durable", q.durable_);
  put(out, "auto_delete", q.auto_delete_);
  put(out, "exclusive", q.exclusive_);
  put(out, "broadcast", q.broadcast_);
  return out;
}

}  // namespace

expected<value> check_queues(setting const& row, value const& v, texts how) {
  return check_table<queue_table>(row, v, how, names_as_list);
}

std::vector<task_queue> queues_of(value const& canonical) {
  std::vector<task_queue> out;
  auto const* all = canonical.get_if<value::map>();
  if (!all) return out;
  for (auto const& [name, options] : *all)
    if (auto const* m = options.get_if<value::map>()) out.push_back(queue_of(name, *m));
  return out;
}

// A list, not a map: what stands twice is to be seen.
value value_of(std::vector<task_queue> const& queues) {
  value::list out;
  for (auto const& q : queues) {
    auto item = options_of(q);
    item.push_back({"name", q.name_});
    out.emplace_back(std::move(item));
  }
  return value{std::move(out)};
}

}  // namespace lovage::settings
