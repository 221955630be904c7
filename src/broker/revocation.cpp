#include "broker/revocation.hpp"

#include <charconv>

namespace lovage::broker {
namespace {

bool read_number(std::string_view& from, char end, std::int64_t& into) {
  auto const at = from.find(end);
  if (at == std::string_view::npos) return false;
  auto const [stop, error] = std::from_chars(from.data(), from.data() + at, into);
  if (error != std::errc{} || stop != from.data() + at) return false;
  return from.remove_prefix(at + 1), true;
}

}  // namespace

std::string write_revocation(revocation const& r) {
  return std::to_string(r.until.time_since_epoch().count()) + " " + std::to_string(r.stamp.size()) + ":" + r.stamp +
         r.text;
}

expected<revocation> read_revocation(std::string_view text) {
  std::int64_t until = 0, length = 0;
  if (!read_number(text, ' ', until) || !read_number(text, ':', length) || length < 0 ||
      static_cast<std::uint64_t>(length) > text.size())
    return fail(errc::decode, "not a revocation");
  auto const stamp = text.substr(0, static_cast<std::size_t>(length));
  return revocation{std::string{stamp}, std::string{text.substr(stamp.size())},
                    time_point{std::chrono::microseconds{until}}};
}

}  // namespace lovage::broker
