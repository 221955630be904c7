#include "relay/forwarding.hpp"

#include "wire/once.hpp"
#include "wire/result_record.hpp"

#include <algorithm>

namespace lovage::relaying {
namespace {

// A source that waits itself hands a message out when its time has come; another one's is still to come.
std::optional<time_point> time_to_come(wire::envelope const& e, time_point now) {
  auto const* header = find(e.headers, "eta");
  auto const* text = header ? header->get_if<std::string>() : nullptr;
  auto const eta = text ? wire::parse_iso(*text) : fail(errc::decode, "");
  if (!eta || eta->to_time_point() <= now) return std::nullopt;
  return eta->to_time_point();
}

}  // namespace

broker::outgoing forwarded(broker::delivery const& from, std::string text, time_point now) {
  broker::outgoing out{from.queue, from.envelope, from.priority, time_to_come(from.envelope, now)};
  auto& headers = out.envelope.headers;
  std::erase_if(headers, [](auto const& h) { return h.key == wire::once_header; });
  headers.push_back({std::string{wire::once_header}, std::move(text)});
  return out;
}

std::vector<broker::outgoing> forwarded(std::span<broker::delivery const> from, time_point now,
                                        std::function<std::string()> const& next_text) {
  std::vector<broker::outgoing> out;
  out.reserve(from.size());
  for (auto const& d : from) out.push_back(forwarded(d, next_text(), now));
  return out;
}

}  // namespace lovage::relaying
