// Input: JSON of the headers, a line feed, content type and body. What decodes is encoded and decodes to the same.
#include "fuzz.hpp"
#include "wire/serializer.hpp"
#include "wire/task_message.hpp"

using namespace lovage;

namespace {

/// As a value, so that a NaN in the arguments equals itself.
value body_of(wire::task_message const& m) {
  value::list chain = m.embed.chain.value_or(value::list{});
  return value::list{m.args,        m.kwargs,        m.embed.callbacks, m.embed.errbacks, chain,
                     m.embed.chord, m.extra_headers, m.stamped_headers, m.stamps};
}

void clear_body(wire::task_message& m) {
  m.args.clear();
  m.kwargs.clear();
  m.embed = {};
  m.extra_headers.clear();
  m.stamped_headers.clear();
  m.stamps.clear();
  m.properties.correlation_id = m.id.str();
}

void check(wire::task_message m, wire::encode_options const& options) {
  auto const e = wire::encode_task(m, options);
  if (!e) return;  // a value that this serializer has no form for
  auto again = wire::decode_task(*e, {{"json", "msgpack", "yaml"}});
  fuzz::demand(again.has_value(), "what was written can be read: " + e->body);
  if (options.serializer == "json")
    fuzz::demand(fuzz::same(body_of(m), body_of(*again)), "the body reads back: " + e->body);
  again->protocol = m.protocol;
  clear_body(m);
  clear_body(*again);
  fuzz::demand(m == *again, "the headers read back: " + e->body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const input = fuzz::text(data, size);
  auto const line = input.find('\n');
  wire::envelope e;
  auto headers = wire::from_json(input.substr(0, line));
  if (headers && headers->is<value::map>()) e.headers = *headers->get_if<value::map>();
  std::string_view rest = line == std::string_view::npos ? "" : input.substr(line + 1);
  static constexpr char const* types[] = {"application/json", "application/x-msgpack", "application/x-yaml"};
  char const which = rest.empty() ? 'j' : rest.front();
  e.content_type = types[which == 'm' ? 1 : which == 'y' ? 2 : 0];
  e.body = rest.empty() ? rest : rest.substr(1);
  auto const m = wire::decode_task(e, {{"json", "msgpack", "yaml"}});
  if (!m) {
    fuzz::demand(!m.error().where.empty() && !m.error().detail.empty(), "an error says what and where");
    return 0;
  }
  check(*m, {"json", "", true});
  check(*m, {"msgpack", "zlib", false});
  return 0;
}
