// Finding: what in a captured file is a message, an envelope, a record, an event ...
#include "golden.hpp"

#include "wire/base64.hpp"
#include "wire/serializer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace lovage::golden {

namespace {

std::string text_of(value const* v) {
  auto const* s = v != nullptr ? v->get_if<std::string>() : nullptr;
  return s != nullptr ? *s : std::string{};
}

bool has(value const& v, std::initializer_list<char const*> keys) {
  return std::all_of(keys.begin(), keys.end(), [&](char const* key) { return v.find(key) != nullptr; });
}

bool is_typed(value const& v) {
  auto const* pair = v.get_if<value::list>();
  auto const* type = pair != nullptr && pair->size() == 2 ? pair->front().get_if<std::string>() : nullptr;
  return type != nullptr && type->size() == 1;
}

/// Arguments of a line such as `[7] "LPUSH" "celery" "{\"body\": ...}"`.
std::vector<std::string> monitor_arguments(std::string_view line) {
  std::vector<std::string> out;
  bool inside = false;
  for (std::size_t i = line.find(']') + 1; i < line.size(); ++i) {
    char const c = line[i];
    if (c == '"') {
      inside = !inside;
      if (inside) out.emplace_back();
    } else if (inside && c == '\\' && i + 1 < line.size()) {
      char const next = line[++i];
      if (next == 'x' && i + 2 < line.size()) {
        out.back() += static_cast<char>(std::stoi(std::string{line.substr(i + 1, 2)}, nullptr, 16));
        i += 2;
      } else {
        out.back() += next == 'n' ? '\n' : next == 'r' ? '\r' : next == 't' ? '\t' : next;
      }
    } else if (inside) {
      out.back() += c;
    }
  }
  return out;
}

bool is_cut(std::string_view text) { return text.ends_with("…"); }

/// Headers of a captured AMQP message, wherever the capture put them; nullptr when it has none with a task.
bool find_headers(value const& v, value::map& out) {
  auto const* properties = v.find("properties");
  for (auto const* table : {v.find("headers"), v.find("headers_plain"), v.find("headers_typed"),
                            properties != nullptr ? properties->find("headers") : nullptr})
    if (table != nullptr && table->is<value::map>()) {
      out = untyped_table(*table);
      return true;
    }
  return false;
}

std::string captured_body(value const& v) {
  if (auto const base64 = text_of(v.find("body_base64")); !base64.empty())
    return wire::from_base64(base64).value_or("not base64");
  return text_of(v.find("body_text"));
}

wire::properties captured_properties(value const& p) {
  wire::properties out;
  out.correlation_id = text_of(p.find("correlation_id"));
  out.reply_to = text_of(p.find("reply_to"));
  out.expiration = text_of(p.find("expiration"));
  if (auto const* priority = p.find("priority")) out.priority = static_cast<int>(*priority->get_if<std::int64_t>());
  if (auto const* mode = p.find("delivery_mode"))
    out.delivery_mode = static_cast<std::uint8_t>(*mode->get_if<std::int64_t>());
  return out;
}

/// Some captures of 5.6 keep only the properties that differ from 5.2: the content type is JSON there.
wire::envelope captured_envelope(value const& properties, value::map headers, std::string body) {
  wire::envelope out;
  bool const whole = properties.find("content_type") != nullptr;
  out.content_type = whole ? text_of(properties.find("content_type")) : "application/json";
  out.content_encoding = whole ? text_of(properties.find("content_encoding")) : "utf-8";
  out.headers = std::move(headers);
  out.properties = captured_properties(properties);
  out.body = std::move(body);
  return out;
}

}  // namespace

value untyped(value const& v) {
  if (is_typed(v)) return untyped(v.get_if<value::list>()->back());
  if (auto const* list = v.get_if<value::list>()) {
    value::list out;
    for (auto const& item : *list) out.push_back(untyped(item));
    return out;
  }
  if (v.is<value::map>()) return untyped_table(v);
  return v;
}

value::map untyped_table(value const& table) {
  value::map out;
  for (auto const& [key, v] : *table.get_if<value::map>()) out.push_back({key, untyped(v)});
  return out;
}

bool same_but_for_order(value const& a, value const& b) {
  if (auto const* list = a.get_if<value::list>()) {
    auto const* other = b.get_if<value::list>();
    return other != nullptr && std::equal(list->begin(), list->end(), other->begin(), other->end(), same_but_for_order);
  }
  auto const* map = a.get_if<value::map>();
  if (map == nullptr) return a == b;
  auto const* other = b.get_if<value::map>();
  return other != nullptr && map->size() == other->size() &&
         std::all_of(map->begin(), map->end(), [&](value::member const& item) {
           auto const* there = find(*other, item.key);
           return there != nullptr && same_but_for_order(item.val, *there);
         });
}

value json(std::string_view text) {
  auto v = wire::from_json(text, true);
  EXPECT_TRUE(v.has_value()) << v.error().text() << "\n" << text;
  return v ? *v : value{};
}

std::string show(value const& v) { return wire::to_json(v).value_or("(no JSON)"); }

void walker::walk(value const& v) {
  if (v.is<value::map>()) {
    map(v);
  } else if (v.is<value::list>()) {
    list(v);
  } else if (auto const* text = v.get_if<std::string>()) {
    walk_text(*text);
  }
}

void walker::walk_text(std::string_view text) {
  if (is_cut(text) || text.size() < 2) return;
  if (text.starts_with("[7] \"") || text.starts_with("[8] \"")) {
    for (auto const& argument : monitor_arguments(text)) walk_text(argument);
  } else if (text.starts_with("{\"body\":")) {
    envelope(text);
  } else if (text.starts_with("[{\"body\":")) {  // an element of `unacked`: [envelope, exchange, routing key]
    auto const whole = json(text);
    envelope(*wire::to_json(whole.get_if<value::list>()->front()));
  } else if (text.starts_with("{\"status\":")) {
    record(text, "json");
  } else if (text.starts_with("{\"result\":")) {
    group_record(text);
  } else if (text.front() == '{' || text.front() == '[') {
    other_json(text);
  }
}

/// Columns of result tables, parts of a chord ...: any JSON that Python wrote is written back as it was.
void walker::other_json(std::string_view text) {
  auto const v = wire::from_json(text, true);
  if (!v) return;  // repr of a Python value, a log line
  ++counted_["json"];
  EXPECT_EQ(show(*v), text);
  walk(*v);
}

void walker::list(value const& v) {
  for (auto const& item : *v.get_if<value::list>()) walk(item);
}

// The order matters: a published message is taken whole, its parts are not counted again.
void walker::map(value const& v) {
  if (has(v, {"case", "message", "certificate_pem"})) return signed_message(v);
  if (has(v, {"plain_headers", "plain_body"})) release(v);
  if (has(v, {"properties"}) && (has(v, {"body"}) || has(v, {"body_text"}))) return published(v);
  if (auto const* cases = v.find("cases"); cases != nullptr && cases->find("msgpack") != nullptr)
    return serialized_results(*cases);
  if (has(v, {"task", "args", "kwargs", "options"}) && v.find("options")->is<value::map>()) signature(v);
  if (has(v, {"type", "hostname", "timestamp"})) return event(v);
  if (has(v, {"method", "arguments", "matcher"})) return request(v, {});
  if (has(v, {"reply_body"}) && v.find("reply_body")->is<value::map>()) reply(*v.find("reply_body"), {});
  for (auto const& [key, item] : *v.get_if<value::map>()) {
    if (key == "result_tuple") {
      tuple(item);
    } else if (key == "replies" && item.is<value::map>()) {
      replies(item);
    } else if (key != "reply_body") {
      walk(item);
    }
  }
}

void walker::published(value const& v) {
  value::map headers;
  bool const found = find_headers(v, headers);
  auto const exchange = text_of(v.find("exchange")) +
                        text_of(v.find("delivery_info") ? v.find("delivery_info")->find("exchange") : nullptr);
  auto const* body = v.find("body");
  if (body == nullptr) return task(captured_envelope(*v.find("properties"), std::move(headers), captured_body(v)));
  if (exchange == "celeryev") return body->is<value::list>() ? batch(*body) : event(*body);
  if (exchange == "celery.pidbox") return request(*body, headers);
  if (exchange == "reply.celery.pidbox") return reply(*body, headers);
  if (has(*body, {"task_id", "status", "result"})) return rpc_record(*body);
  // The election's winner sends a task; its body was captured decoded.
  if (find(headers, "task") != nullptr)
    return task(captured_envelope(*v.find("properties"), std::move(headers), show(*body)));
  ADD_FAILURE() << "message of no known kind (" << found << "): " << show(v);
}

/// Fanned out over Redis: an event or a control message; the body is JSON.
void walker::body_of_others(wire::envelope const& message) {
  auto const body = json(message.body);
  if (body.find("method") != nullptr) return request(body, message.headers);
  if (find(message.headers, "ticket") != nullptr) return reply(body, message.headers);
  if (body.is<value::list>()) return batch(body);
  event(body);
}

/// Replies by command, a list of one map for each.
void walker::replies(value const& by_command) {
  for (auto const& [command, answers] : *by_command.get_if<value::map>())
    for (auto const& answer : *answers.get_if<value::list>()) reply(answer, {});
}

/// One release of versions/matrix.json.
void walker::release(value const& v) {
  task(captured_envelope(*v.find("plain_properties"), untyped_table(*v.find("plain_headers")),
                         text_of(v.find("plain_body"))));
}

/// results-redis/options.json: records by other serializers; pickle is refused.
void walker::serialized_results(value const& cases) {
  for (auto const& [name, one] : *cases.get_if<value::map>()) {
    bool const plain = wire::find_serializer(name) == nullptr && name != "pickle";
    for (auto const& [key, item] : *one.find("keys")->get_if<value::map>()) {
      auto const* v = item.find("value");
      auto const* base64 = v->find("$base64");
      record(base64 != nullptr ? wire::from_base64(text_of(base64)).value_or("") : text_of(v), plain ? "json" : name);
    }
  }
}

}  // namespace lovage::golden
