#include "broker/amqp/content.hpp"

#include "broker/amqp/table.hpp"

#include <lovage/iso_time.hpp>

#include <algorithm>
#include <limits>

namespace lovage::broker::amqp {
namespace {

constexpr std::string_view delay_queues = "celery_delayed_";

/// The text properties that have no field of their own in an envelope.
struct text_property {
  char const* name;
  amqp_flags_t flag;
  amqp_bytes_t amqp_basic_properties_t::*field;
};
constexpr text_property extras[] = {
    {"message_id", AMQP_BASIC_MESSAGE_ID_FLAG, &amqp_basic_properties_t::message_id},
    {"type", AMQP_BASIC_TYPE_FLAG, &amqp_basic_properties_t::type},
    {"user_id", AMQP_BASIC_USER_ID_FLAG, &amqp_basic_properties_t::user_id},
    {"app_id", AMQP_BASIC_APP_ID_FLAG, &amqp_basic_properties_t::app_id},
    {"cluster_id", AMQP_BASIC_CLUSTER_ID_FLAG, &amqp_basic_properties_t::cluster_id},
};

std::optional<std::uint64_t> seconds_of(value const& v) {
  if (auto const* n = v.get_if<std::int64_t>(); n && *n >= 0) return static_cast<std::uint64_t>(*n);
  if (auto const* t = v.get_if<datetime>())
    return static_cast<std::uint64_t>(std::max<std::int64_t>(t->to_time_point().time_since_epoch().count(), 0) /
                                      1'000'000);
  return std::nullopt;
}

void put_extras(value::map const& from, amqp_basic_properties_t& out) {
  for (auto const& e : extras) {
    auto const* v = find(from, e.name);
    auto const* text = v ? v->get_if<std::string>() : nullptr;
    if (!text) continue;
    out.*e.field = borrow(*text);
    out._flags |= e.flag;
  }
  auto const* time = find(from, "timestamp");
  if (auto const seconds = time ? seconds_of(*time) : std::nullopt) {
    out.timestamp = *seconds;
    out._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
  }
}

expected<amqp_table_t> join_headers(value::map const& headers, value::map const& added, arena& memory) {
  auto out = to_table(headers, memory);
  if (!out || added.empty()) return out;
  auto const more = to_table(added, memory);
  if (!more) return more;
  auto const total = static_cast<std::size_t>(out->num_entries) + static_cast<std::size_t>(more->num_entries);
  auto* const entries = memory.make<amqp_table_entry_t>(total);
  std::copy_n(out->entries, out->num_entries, entries);
  std::copy_n(more->entries, more->num_entries, entries + out->num_entries);
  return amqp_table_t{static_cast<int>(total), entries};
}

bool from_delay_queue(value const& v) {
  auto const* queue = v.is<value::map>() ? v.find("queue") : &v;
  auto const* text = queue ? queue->get_if<std::string>() : nullptr;
  return text && text->starts_with(delay_queues);
}

/// What tells of the way through the delay queues, and the server's count of deliveries.
void drop_traces(value::map& headers) {
  auto const traces = [&](std::string_view queue) {
    auto const* v = find(headers, queue);
    return v && from_delay_queue(*v);
  };
  bool const first = traces("x-first-death-queue"), last = traces("x-last-death-queue");
  std::erase_if(headers, [&](value::member& m) {
    if (m.key == "x-delivery-count") return true;
    if (first && m.key.starts_with("x-first-death-")) return true;
    if (last && m.key.starts_with("x-last-death-")) return true;
    if (m.key != "x-death") return false;
    auto* list = m.val.get_if<value::list>();
    if (list) std::erase_if(*list, from_delay_queue);
    return list && list->empty();
  });
}

void take_own_headers(arrival& a) {
  auto& headers = a.envelope.headers;
  bool any = false;
  for (auto const& m : headers) any = any || m.key.starts_with("x-");
  if (any) {
    auto const mine = [](value::member const& m) { return m.key.starts_with(own::prefix); };
    for (auto& m : headers)
      if (mine(m)) a.own.push_back(m);
    std::erase_if(headers, mine);
    drop_traces(headers);
  }
  auto const number = [&](char const* key) -> std::optional<std::int64_t> {
    auto const* v = find(a.own, key);
    auto const* n = v ? v->get_if<std::int64_t>() : nullptr;
    return n ? std::optional{*n} : std::nullopt;
  };
  a.attempts = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(number(own::attempts).value_or(0), 0, std::numeric_limits<std::uint32_t>::max()));
  if (auto const us = number(own::due)) {
    a.due = time_point{std::chrono::microseconds{*us}};
  } else if (auto const* eta = find(headers, "eta")) {
    auto const* text = eta->get_if<std::string>();
    auto const parsed = text ? iso_to_datetime(*text) : std::nullopt;
    if (parsed) a.due = parsed->to_time_point();
  }
}

void read_basic(amqp_basic_properties_t const& p, wire::envelope& e) {
  auto const has = [&](amqp_flags_t flag) { return (p._flags & flag) != 0; };
  if (has(AMQP_BASIC_CONTENT_TYPE_FLAG)) e.content_type = view(p.content_type);
  if (has(AMQP_BASIC_CONTENT_ENCODING_FLAG)) e.content_encoding = view(p.content_encoding);
  if (has(AMQP_BASIC_HEADERS_FLAG)) e.headers = from_table(p.headers);
  auto& out = e.properties;
  if (has(AMQP_BASIC_DELIVERY_MODE_FLAG)) out.delivery_mode = p.delivery_mode;
  if (has(AMQP_BASIC_PRIORITY_FLAG)) out.priority = p.priority;
  if (has(AMQP_BASIC_CORRELATION_ID_FLAG)) out.correlation_id = view(p.correlation_id);
  if (has(AMQP_BASIC_REPLY_TO_FLAG)) out.reply_to = view(p.reply_to);
  if (has(AMQP_BASIC_EXPIRATION_FLAG)) out.expiration = view(p.expiration);
  for (auto const& x : extras)
    if (has(x.flag)) out.extra.push_back({x.name, view(p.*x.field)});
  if (has(AMQP_BASIC_TIMESTAMP_FLAG)) out.extra.push_back({"timestamp", static_cast<std::int64_t>(p.timestamp)});
}

}  // namespace

expected<amqp_basic_properties_t> to_properties(wire::envelope const& from, std::optional<int> priority,
                                                value::map const& added, arena& memory) {
  amqp_basic_properties_t out{};
  auto const put = [&](std::string const& text, amqp_bytes_t& field, amqp_flags_t flag) {
    if (text.empty()) return;
    field = borrow(text);
    out._flags |= flag;
  };
  put(from.content_type, out.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG);
  put(from.content_encoding, out.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG);
  auto const& p = from.properties;
  put(p.correlation_id, out.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG);
  put(p.reply_to, out.reply_to, AMQP_BASIC_REPLY_TO_FLAG);
  put(p.expiration, out.expiration, AMQP_BASIC_EXPIRATION_FLAG);
  if (!from.headers.empty() || !added.empty()) {
    auto table = join_headers(from.headers, added, memory);
    if (!table) return fail(table.error());
    out.headers = *table;
    out._flags |= AMQP_BASIC_HEADERS_FLAG;
  }
  out.delivery_mode = p.delivery_mode;
  out._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  if (auto const level = priority ? priority : p.priority) {
    out.priority = static_cast<std::uint8_t>(std::clamp(*level, 0, 255));
    out._flags |= AMQP_BASIC_PRIORITY_FLAG;
  }
  put_extras(p.extra, out);
  return out;
}

arrival read_properties(std::string_view encoded, arena& memory) {
  arrival out;
  void* decoded = nullptr;
  if (amqp_decode_properties(AMQP_BASIC_CLASS, memory.get(), borrow(encoded), &decoded) < 0) {
    out.readable = false;
    return out;
  }
  read_basic(*static_cast<amqp_basic_properties_t const*>(decoded), out.envelope);
  take_own_headers(out);
  return out;
}

}  // namespace lovage::broker::amqp
