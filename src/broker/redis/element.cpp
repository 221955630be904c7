#include "broker/redis/element.hpp"

#include "core/ids.hpp"
#include "wire/kombu_envelope.hpp"
#include "wire/result_record.hpp"
#include "wire/serializer.hpp"

#include <lovage/unpack.hpp>

#include <algorithm>
#include <charconv>

namespace lovage::broker::redis_broker {
namespace {

constexpr std::string_view attempts_header = "x-lovage-attempts", again_mark = "redelivered";

std::uint32_t count_in(value const* v) {
  auto const* i = v ? v->get_if<std::int64_t>() : nullptr;
  return i ? static_cast<std::uint32_t>(std::clamp<std::int64_t>(*i, 0, UINT32_MAX)) : 0;
}

void take_out(value::map& from, std::string_view key) {
  std::erase_if(from, [&](auto const& item) { return item.key == key; });
}

void put(value::map& into, std::string_view key, value v) {
  auto const at = std::find_if(into.begin(), into.end(), [&](auto const& item) { return item.key == key; });
  if (at != into.end()) {
    at->val = std::move(v);
  } else {
    into.push_back({std::string{key}, std::move(v)});
  }
}

/// The map below this key; one is made where there is none.
value::map& map_in(value::map& of, std::string_view key) {
  auto const at = std::find_if(of.begin(), of.end(), [&](auto const& item) { return item.key == key; });
  auto& v = at != of.end() ? at->val : (of.push_back({std::string{key}, value::map{}}), of.back().val);
  if (!v.is<value::map>()) v = value{value::map{}};
  return *v.get_if<value::map>();
}

/// `envelope` is a map.
void mark(value& envelope, std::uint32_t attempts) {
  auto& m = *envelope.get_if<value::map>();
  auto& headers = map_in(m, "headers");
  put(headers, again_mark, true);
  if (attempts > 0) {
    put(headers, attempts_header, attempts);
  } else {
    take_out(headers, attempts_header);
  }
  put(map_in(map_in(m, "properties"), "delivery_info"), again_mark, true);
}

std::optional<time_point> eta_in(value::map const& headers) {
  auto const* eta = find(headers, "eta");
  auto const* text = eta ? eta->get_if<std::string>() : nullptr;
  if (text == nullptr || text->empty()) {
    auto const* read = eta ? eta->get_if<datetime>() : nullptr;
    return read ? std::optional{read->to_time_point()} : std::nullopt;
  }
  auto const read = wire::parse_iso(*text);
  return read ? std::optional{read->to_time_point()} : std::nullopt;
}

/// "12:" of the rest; moves on behind it.
std::optional<std::size_t> take_number(std::string_view& rest, char end) {
  std::size_t n = 0;
  auto const [stop, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
  if (fault != std::errc{} || stop == rest.data() + rest.size() || *stop != end) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()) + 1);
  return n;
}

}  // namespace

expected<element> read_element(std::string_view text) {
  auto read = wire::from_kombu_json(text);
  if (!read) return fail(read.error());
  element out;
  out.envelope = std::move(read->message);
  out.exchange = std::move(read->delivery.exchange);
  out.routing_key = std::move(read->delivery.routing_key);
  auto& headers = out.envelope.headers;
  auto const* again = find(headers, again_mark);
  auto const* flag = again ? again->get_if<bool>() : nullptr;
  out.redelivered = read->delivery.redelivered || (flag && *flag);
  out.attempts = count_in(find(headers, attempts_header));
  if (again) take_out(headers, again_mark);
  if (out.attempts > 0) take_out(headers, attempts_header);
  out.due = eta_in(headers);
  return out;
}

expected<std::string> write_element(outgoing const& m, std::string_view exchange, std::string_view routing_key) {
  auto const& from = m.envelope;
  wire::envelope e{from.content_type, from.content_encoding, from.headers, from.properties, {}};
  e.properties.priority = std::clamp(m.priority, 0, 9);
  for (auto const* own : {"delivery_info", "delivery_tag", "body_encoding"}) take_out(e.properties.extra, own);
  return wire::to_kombu_json(std::move(e), from.body,
                             {std::string{exchange}, std::string{routing_key}, random_uuid().str(), false});
}

std::string given_back(std::string_view text, std::uint32_t attempts) {
  auto v = wire::from_json(text, true);
  if (!v || !v->is<value::map>()) return std::string{text};
  mark(*v, attempts);
  return wire::to_json(*v).value_or(std::string{text});
}

std::string unacked_tail(std::string_view queue) {
  return ", \"\", " + wire::to_json(value{queue}).value_or("\"\"") + "]";
}

std::string_view envelope_in(std::string_view value, std::string_view queue) {
  auto const tail = unacked_tail(queue);
  if (value.size() <= tail.size() || value.front() != '[' || !value.ends_with(tail)) return {};
  return value.substr(1, value.size() - 1 - tail.size());
}

expected<unacked_entry> read_unacked(std::string_view text) {
  auto v = wire::from_json(text, true);
  if (!v) return fail(v.error());
  auto* l = v->get_if<value::list>();
  if (l == nullptr || l->size() != 3 || !(*l)[0].is<value::map>())
    return fail(errc::decode, "an entry of unacked is [envelope, exchange, routing key]");
  unacked_entry out;
  if (auto const* s = (*l)[1].get_if<std::string>()) out.exchange = *s;
  if (auto const* s = (*l)[2].get_if<std::string>()) out.routing_key = *s;
  auto& envelope = (*l)[0];
  auto const* properties = envelope.find("properties");
  auto const* priority = properties ? properties->find("priority") : nullptr;
  if (auto const* i = priority ? priority->get_if<std::int64_t>() : nullptr)
    out.priority = static_cast<int>(std::clamp<std::int64_t>(*i, 0, 9));
  auto const* headers = envelope.find("headers");
  out.attempts = count_in(headers ? headers->find(attempts_header) : nullptr);
  auto written = wire::to_json(envelope);
  if (!written) return fail(written.error());
  out.envelope = *std::move(written);
  return out;
}

std::string delayed_head(std::string_view id, std::string_view queue, std::string_view list) {
  std::string out{id};
  out += '\n';
  out += std::to_string(queue.size()) + ':' + std::to_string(list.size());
  out += '\n';
  out += queue;
  out += list;
  return out;
}

std::string_view queue_of_delayed(std::string_view member) {
  auto const line = member.find('\n');
  if (line == std::string_view::npos) return {};
  member.remove_prefix(line + 1);
  auto const queue = take_number(member, ':');
  if (!queue || !take_number(member, '\n')) return {};
  return member.substr(0, *queue);
}

std::string dead_head(std::string_view queue, int priority, std::string_view reason, time_point died_at,
                      std::uint32_t attempts) {
  packer out;
  out.array(5);
  out.text(queue);
  out.integer(priority);
  out.text(reason);
  out.integer(died_at.time_since_epoch().count());
  out.integer(attempts);
  return std::move(out).out();
}

expected<dead_record> read_dead(std::uint64_t id, std::string_view record) {
  dead_record out;
  auto& m = out.message;
  m.id = id;
  try {
    unpacker in{record};
    if (in.array() != 5) in.fail("not a record of the dead set");
    m.queue = queue_name{std::string{in.text()}};
    out.priority = static_cast<int>(in.integer());
    m.reason = in.text();
    m.died_at = time_point{std::chrono::microseconds{in.integer()}};
    m.attempts = static_cast<std::uint32_t>(in.integer());
    out.text = record.substr(in.offset());
  } catch (error const& why) {
    return fail(errc::decode, "a record of the dead set is damaged: " + why.info().detail);
  }
  if (auto read = read_element(out.text)) {
    m.envelope = std::move(read->envelope);
  } else {
    m.envelope.body = out.text;  // unreadable: that is its reason; it is shown all the same
  }
  return out;
}

}  // namespace lovage::broker::redis_broker
