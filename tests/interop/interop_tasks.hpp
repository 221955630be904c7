// The tasks that both kinds of worker have under the same names; tasks.py is the other half.
#pragma once

#include <lovage/task.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace interop {

using lovage::task;
using lovage::value;

/// One of each type that a codec reads and writes.
struct everything {
  bool flag = false;
  int small = 0;
  std::int64_t large = 0;
  std::uint64_t unsigned_large = 0;
  std::optional<lovage::big_integer> huge;  // msgpack has no form for one
  double real = 0;
  std::string text;
  lovage::bytes octets;
  std::optional<int> missing;
  std::vector<int> numbers;
  std::map<std::string, double> shares;
  std::tuple<int, std::string> pair;
  lovage::datetime moment;
  lovage::date day;
  lovage::time_of_day clock;
  lovage::uuid id;
  lovage::decimal price;
  value any;
};

inline constexpr task<value(value)> echo{"interop.echo", {"x"}};
inline constexpr task<std::int64_t(std::int64_t, std::int64_t)> add{"interop.add", {"x", "y"}};
inline constexpr task<std::string(std::string, std::vector<std::string>, std::optional<bool>)> join{
    "interop.join", {"separator", "parts", "upper"}};
/// The sum.
inline constexpr task<std::int64_t(std::vector<std::int64_t>)> total{"interop.total", {"xs"}};
inline constexpr task<everything(everything)> typed{"interop.typed", {"all"}};
/// Fails as `kind` says: value, index, runtime, overflow, custom.
inline constexpr task<void(std::string, std::string)> fail{"interop.fail", {"kind", "message"}};
/// Is retried until it has been so `times` often; gives the number of retries.
inline constexpr task<int(int)> flaky{"interop.flaky", {"times"}};
/// Is retried once, then fails with a ValueError of this text.
inline constexpr task<void(std::string)> hopeless{"interop.hopeless", {"message"}};
/// Seconds since 1970 when it ran.
inline constexpr task<double()> now{"interop.now"};
inline constexpr task<void(double)> slow{"interop.slow", {"seconds"}};
/// Runs until the file is there.
inline constexpr task<std::string(std::string)> hold{"interop.hold", {"file"}};
/// The same in this state, with this for its meta data.
inline constexpr task<std::string(std::string, std::string, value)> report{"interop.report", {"file", "state", "meta"}};
/// Adds a line to a file: what was given first, as text. As a link: the result that came in front.
inline constexpr task<void(value, std::string)> note{"interop.note", {"what", "file"}};
/// An error link: gets the id of the task that failed.
inline constexpr task<void(std::string, std::string)> note_error{"interop.note_error", {"task_id", "file"}};
/// Adds a line; its definition says that no result is stored.
inline constexpr task<int(std::string)> ignored{"interop.ignored", {"file"}};
/// "lovage" or "python".
inline constexpr task<std::string()> who{"interop.who"};

}  // namespace interop

template <>
struct lovage::codec<interop::everything>
    : lovage::fields<
          interop::everything, lovage::field<"flag", &interop::everything::flag>,
          lovage::field<"small", &interop::everything::small>, lovage::field<"large", &interop::everything::large>,
          lovage::field<"unsigned_large", &interop::everything::unsigned_large>,
          lovage::field<"huge", &interop::everything::huge>, lovage::field<"real", &interop::everything::real>,
          lovage::field<"text", &interop::everything::text>, lovage::field<"octets", &interop::everything::octets>,
          lovage::field<"missing", &interop::everything::missing>,
          lovage::field<"numbers", &interop::everything::numbers>,
          lovage::field<"shares", &interop::everything::shares>, lovage::field<"pair", &interop::everything::pair>,
          lovage::field<"moment", &interop::everything::moment>, lovage::field<"day", &interop::everything::day>,
          lovage::field<"clock", &interop::everything::clock>, lovage::field<"id", &interop::everything::id>,
          lovage::field<"price", &interop::everything::price>, lovage::field<"any", &interop::everything::any>> {};
