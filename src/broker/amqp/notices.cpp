#include "broker/amqp/notices.hpp"

#include "broker/amqp/content.hpp"
#include "broker/amqp/table.hpp"

namespace lovage::broker::amqp {
namespace {

queue_spec stream_named(char const* name, value::map bounds) {
  queue_spec out;
  out.name = queue_name{name};
  out.arguments = std::move(bounds);
  out.arguments.push_back({"x-queue-type", "stream"});
  return out;
}

}  // namespace

// What is beyond a bound goes by whole segments, which are large unless told.
queue_spec revoked_stream() {
  return stream_named("lovage.revoked", {{"x-max-age", "3h"},
                                         {"x-max-length-bytes", std::int64_t{20'000'000}},
                                         {"x-stream-max-segment-size-bytes", std::int64_t{1'000'000}}});
}

queue_spec paused_stream() {
  return stream_named("lovage.paused", {{"x-max-length-bytes", std::int64_t{1'000'000}},
                                        {"x-stream-max-segment-size-bytes", std::int64_t{100'000}}});
}

letter notice(queue_spec const& to, std::string body) {
  letter out;
  out.what.queue = to.name;
  out.what.envelope.content_type = "text/plain";
  out.what.envelope.body = std::move(body);
  out.how = letter::way::straight;
  return out;
}

std::string write_names(std::set<queue_name> const& names) {
  std::string out;
  for (auto const& n : names) out += n.str() + "\n";
  return out;
}

std::set<queue_name> read_names(std::string_view body) {
  std::set<queue_name> out;
  while (!body.empty()) {
    auto const end = body.find('\n');
    if (auto const name = body.substr(0, end); !name.empty()) out.emplace(std::string{name});
    body.remove_prefix(end == body.npos ? body.size() : end + 1);
  }
  return out;
}

expected<void> write_to(session& on, std::uint16_t channel, queue_name const& to, std::string const& body) {
  arena memory;
  wire::envelope e;
  e.content_type = "text/plain";
  auto const properties = to_properties(e, std::nullopt, {}, memory);
  if (!properties) return fail(properties.error());
  amqp_basic_publish_t how{};
  how.routing_key = borrow(to.str());
  return on.out().publish(channel, how, *properties, body);
}

expected<void> read_stream(session& on, std::uint16_t channel, queue_name const& stream, std::string const& tag,
                           char const* from) {
  arena memory;
  value::map const place{{"x-stream-offset", from}};
  auto const arguments = to_table(place, memory);
  if (!arguments) return fail(arguments.error());
  amqp_basic_consume_t m{};
  m.queue = borrow(stream.str());
  m.consumer_tag = borrow(tag);
  m.arguments = *arguments;
  auto const r = on.call(channel, AMQP_BASIC_CONSUME_METHOD, &m, AMQP_BASIC_CONSUME_OK_METHOD);
  return r.ok() ? expected<void>{} : fail(fault_of(r, stream.str()));
}

}  // namespace lovage::broker::amqp
