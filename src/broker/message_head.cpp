#include "broker/message_head.hpp"

#include <lovage/unpack.hpp>

namespace lovage::broker {
namespace {

value::map read_map(unpacker& in) {
  value::map out;
  for (auto n = in.map(); n > 0; --n) {
    std::string key{in.text()};
    out.push_back({std::move(key), in.any()});
  }
  return out;
}

}  // namespace

std::string write_head(wire::envelope const& e) {
  auto const& p = e.properties;
  packer out;
  out.array(9);
  out.text(e.content_type);
  out.text(e.content_encoding);
  out.text(p.correlation_id);
  out.text(p.reply_to);
  out.integer(p.priority.value_or(-1));
  out.integer(p.delivery_mode);
  out.text(p.expiration);
  out.any(p.extra);
  out.any(e.headers);
  return std::move(out).out();
}

expected<void> read_head(std::string_view bytes, wire::envelope& e) {
  try {
    unpacker in{bytes};
    if (in.array() != 9) in.fail("not a message head");
    auto& p = e.properties;
    e.content_type = in.text();
    e.content_encoding = in.text();
    p.correlation_id = in.text();
    p.reply_to = in.text();
    auto const priority = in.integer();
    p.priority = priority < 0 ? std::nullopt : std::optional{static_cast<int>(priority)};
    p.delivery_mode = static_cast<std::uint8_t>(in.integer());
    p.expiration = in.text();
    p.extra = read_map(in);
    e.headers = read_map(in);
    return {};
  } catch (error const& why) {
    return fail(errc::decode, "the message's head is damaged: " + why.info().detail, why.info().where);
  }
}

}  // namespace lovage::broker
