// task_routes: a pattern, and a queue or a table of options.
#include "config/name_pattern.hpp"
#include "config/setting_text.hpp"
#include "config/structured_values.hpp"
#include "config/table_setting.hpp"

#include <cstdint>
#include <utility>

namespace lovage::settings {
namespace {

constexpr setting route_rows[] = {
    {"queue", true, kind::text, "", "1..", "high", "", ""},
    {"exchange", true, kind::text, "", "1..", "media", "", ""},
    {"routing_key", true, kind::text, "", "", "news.sport", "", ""},
    {"priority", true, kind::integer, "", "0..9", "5", "", ""},
    {"serializer", true, kind::choice, "json", "json|msgpack|yaml", "json", "", ""},
    {"compression", true, kind::choice, "", "zlib|gzip|bzip2|bzip|lzma|xz|brotli|zstd|zstandard", "zstd", "", ""},
    {"delivery_mode", true, kind::choice, "persistent", "persistent|transient|2=persistent|1=transient", "transient",
     "", ""},
};

// A queue alone is shorter as its name.
expected<value> check_target(value const& target, texts how) {
  if (auto const* name = target.get_if<std::string>()) {
    if (trim(*name).empty()) return fail(errc::bad_config, "does not name a queue");
    return value{trim(*name)};
  }
  auto const* options = target.get_if<value::map>();
  if (!options) return fail(errc::bad_config, "is " + quoted(target) + ", and takes a queue or a table of options");
  auto out = check_members(*options, route_rows, how);
  if (!out) return fail(errc::bad_config, ": " + out.error().detail);
  if (out->empty()) return fail(errc::bad_config, "says nothing");
  if (find(*out, "queue") && find(*out, "exchange"))
    return fail(errc::bad_config, "names a queue and an exchange; one of them is enough");
  if (out->size() == 1 && out->front().key == "queue") return std::move(out->front().val);
  return value{*std::move(out)};
}

class route_table {
 public:
  explicit route_table(texts how) : how_{how} {}

  expected<void> add(std::string const& pattern, value const& target) {
    auto const rule = "the rule \"" + pattern.substr(0, 80) + "\" ";
    if (pattern.empty()) return fail(errc::bad_config, "a rule has no pattern");
    if (find(out_, pattern)) return fail(errc::bad_config, rule + "stands twice");
    if (auto ok = name_pattern::compile(pattern); !ok) return fail(ok.error());
    auto checked = check_target(target, how_);
    if (!checked) return fail(errc::bad_config, rule + checked.error().detail);
    out_.push_back({pattern, *std::move(checked)});
    return {};
  }

  expected<void> add_all(value::map const& rules) {
    for (auto const& [pattern, target] : rules)
      if (auto ok = add(pattern, target); !ok) return ok;
    return {};
  }

  // Celery's other forms: a list of tables, and a list of pairs.
  expected<void> add_all(value::list const& rules) {
    for (auto const& item : rules) {
      expected<void> ok;
      if (auto const* table = item.get_if<value::map>()) {
        ok = add_all(*table);
      } else {
        auto const* pair = item.get_if<value::list>();
        auto const* pattern = pair && pair->size() == 2 ? pair->front().get_if<std::string>() : nullptr;
        if (!pattern) return fail(errc::bad_config, "an item is neither a table nor a pair of pattern and queue");
        ok = add(*pattern, pair->back());
      }
      if (!ok) return ok;
    }
    return {};
  }

  [[nodiscard]] value take() { return value{std::move(out_)}; }

 private:
  texts how_;
  value::map out_;
};

expected<value> rules_of_text(std::string_view text) {
  if (text.starts_with('{') || text.starts_with('[')) return from_json_text(text);
  value::list out;
  if (text == "none") return value{std::move(out)};
  for (auto const part : split(text, ',')) {
    auto const equals = part.find('=');
    if (equals == part.npos) return fail(errc::bad_config, "\"" + std::string{part.substr(0, 60)} + "\" misses its =");
    out.emplace_back(value::list{value{trim(part.substr(0, equals))}, value{trim(part.substr(equals + 1))}});
  }
  return value{std::move(out)};
}

route_options target_of(value const& canonical) {
  if (auto const* name = canonical.get_if<std::string>()) return {*name};
  route_options out;
  auto const* options = canonical.get_if<value::map>();
  if (!options) return out;
  for (auto const& [key, v] : *options) {
    auto const* text = v.get_if<std::string>();
    auto const* number = v.get_if<std::int64_t>();
    if (key == "priority" && number) out.priority(static_cast<int>(*number));
    if (!text) continue;
    if (key == "queue") out.queue(*text);
    if (key == "exchange") out.exchange(*text);
    if (key == "routing_key") out.routing_key(*text);
    if (key == "serializer") out.serializer(*text);
    if (key == "compression") out.compression(*text);
    if (key == "delivery_mode")
      out.delivery_mode(*text == "transient" ? delivery_mode::transient : delivery_mode::persistent);
  }
  return out;
}

value options_of(route_options const& r) {
  value::map out;
  auto const put = [&](char const* key, auto const& v) {
    if (v) out.push_back({key, value{*v}});
  };
  put("queue", r.queue_);
  put("exchange", r.exchange_);
  put("routing_key", r.routing_key_);
  put("priority", r.priority_);
  put("serializer", r.serializer_);
  put("compression", r.compression_);
  if (r.delivery_mode_)
    out.push_back({"delivery_mode", *r.delivery_mode_ == delivery_mode::transient ? "transient" : "persistent"});
  return value{std::move(out)};
}

}  // namespace

expected<value> check_routes(setting const& row, value const& v, texts how) {
  return check_table<route_table>(row, v, how, rules_of_text);
}

std::vector<task_route> routes_of(value const& canonical) {
  std::vector<task_route> out;
  auto const* rules = canonical.get_if<value::map>();
  if (!rules) return out;
  for (auto const& [pattern, target] : *rules) out.push_back({pattern, target_of(target)});
  return out;
}

value value_of(std::vector<task_route> const& routes) {
  value::list out;
  for (auto const& r : routes) out.emplace_back(value::list{value{r.pattern}, options_of(r.to)});
  return value{std::move(out)};
}

}  // namespace lovage::settings
