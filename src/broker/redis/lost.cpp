#include "broker/redis/lost.hpp"

#include <charconv>

namespace lovage::broker::redis_broker {
namespace {

constexpr std::size_t most_at_once = 10'000, page = 1'000;

expected<std::vector<rd::reply>> list_of(rd::client& over, std::vector<std::string_view> const& words, deadline until) {
  rd::commands c;
  c.add(words);
  auto said = over.run(c, rd::repeat::yes, until);
  if (!said) return fail(said.error());
  if (said->front().is_error()) return fail(rd::to_error(said->front()));
  return std::move(said->front().items);
}

std::int64_t integer_of(std::string_view text) {
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// "1700000000.000250", whatever the locale; not for times before the epoch.
std::string seconds_text(std::chrono::microseconds of) {
  auto const fraction = std::to_string(1'000'000 + of.count() % 1'000'000);
  return std::to_string(of.count() / 1'000'000) + "." + fraction.substr(1);
}

}  // namespace

expected<std::vector<std::string>> older_than(shared const& on, rd::client& over, std::chrono::milliseconds age,
                                              std::function<bool(std::string const&)> const& wanted, deadline until) {
  auto const time = list_of(over, {"TIME"}, until);
  if (!time) return fail(time.error());
  if (time->size() != 2) return fail(errc::internal, "Redis does not tell the time");
  auto const now =
      std::chrono::seconds{integer_of((*time)[0].text)} + std::chrono::microseconds{integer_of((*time)[1].text)};
  auto const before = seconds_text(now - age);
  std::vector<std::string> out;
  for (std::size_t from = 0; out.size() < most_at_once; from += page) {
    auto const start = std::to_string(from), count = std::to_string(page);
    auto names = list_of(over, {"ZRANGEBYSCORE", on.key.unacked_index, "-inf", before, "LIMIT", start, count}, until);
    if (!names) return fail(names.error());
    for (auto& name : *names)
      if (wanted(name.text)) out.push_back(std::move(name.text));
    if (names->size() < page) break;
  }
  return out;
}

expected<std::vector<rd::reply>> values_of(shared const& on, rd::client& over, std::vector<std::string> const& names,
                                           deadline until) {
  if (names.empty()) return std::vector<rd::reply>{};
  std::vector<std::string_view> words{"HMGET", on.key.unacked};
  words.insert(words.end(), names.begin(), names.end());
  auto values = list_of(over, words, until);
  if (values && values->size() != names.size()) return fail(errc::internal, "Redis tells too few entries of unacked");
  return values;
}

moves::moves(std::optional<std::chrono::milliseconds> age) {
  words_.push_back(age ? seconds_text(*age) : std::string{});
}

void moves::give_back(std::string name, std::string element, std::vector<std::string> const& lists) {
  add({"G", std::move(name), std::move(element), std::to_string(lists.size())});
  words_.insert(words_.end(), lists.begin(), lists.end());
}

void moves::delay(std::string name, time_point due, std::string queue, std::string member, std::string tail) {
  add({"Z", std::move(name), std::to_string(due.time_since_epoch().count()), std::move(queue), std::move(member),
       std::move(tail)});
}

expected<std::size_t> moves::send(shared const& on, rd::client& over, deadline until) const {
  if (empty()) return std::size_t{0};
  auto const said = over.eval(all_scripts().settle, on.key.of_settle(), arguments(), rd::repeat::yes, until);
  if (!said) return fail(said.error());
  return static_cast<std::size_t>(said->integer);
}

}  // namespace lovage::broker::redis_broker
