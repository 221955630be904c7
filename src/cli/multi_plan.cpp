#include "cli/multi_plan.hpp"

#include "cli/service.hpp"
#include "cli/session.hpp"
#include "worker/node_name.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace lovage::cli {
namespace {

constexpr std::size_t most_nodes = 1'000;

struct option {
  std::string name;  ///< "-c", "--loglevel"
  std::optional<std::string> value;
  std::string whom;  ///< "w1", "1-3", "2,4"; empty: all
};

std::optional<std::size_t> number(std::string_view text) {
  std::size_t n = 0;
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

option read_option(std::string_view word) {
  option out;
  if (word.starts_with("--"))
    if (auto const at = word.find('='); at != word.npos) out.value = word.substr(at + 1), word = word.substr(0, at);
  auto const at = word.find(':');
  out.name = word.substr(0, at);
  if (at != word.npos) out.whom = word.substr(at + 1);
  return out;
}

// "1-3" and "2,4" count nodes from one; anything else is a name, with its host or without.
bool is_meant(std::string_view whom, std::size_t place, std::string_view name, std::string_view full) {
  for (std::size_t from = 0; from <= whom.size();) {
    auto const end = std::min(whom.find(',', from), whom.size());
    auto const part = whom.substr(from, end - from);
    from = end + 1;
    auto const dash = part.find('-');
    auto const low = number(part.substr(0, dash));
    auto const high = dash == part.npos ? low : number(part.substr(dash + 1));
    if (low && high ? *low <= place && place <= *high : part == name || part == full) return true;
  }
  return false;
}

void read_words(std::vector<std::string> const& words, std::vector<std::string>& names, std::vector<option>& options) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto const& w = words[i];
    if (w.empty() || w[0] != '-') {
      names.push_back(w);
      continue;
    }
    options.push_back(read_option(w));
    bool const is_short = !w.starts_with("--");
    if (is_short && i + 1 < words.size() && !words[i + 1].starts_with('-')) options.back().value = words[++i];
  }
}

std::vector<std::string> names_of(std::vector<std::string> const& given) {
  if (given.empty()) throw usage_error{"name the nodes, or how many there are: lovage multi start w1 w2 -A lib.so"};
  auto const count = given.size() == 1 ? number(given.front()) : std::nullopt;
  if (!count) return given;
  if (*count == 0 || *count > most_nodes)
    throw usage_error{"the number of nodes is not in 1.." + std::to_string(most_nodes)};
  std::vector<std::string> out;
  for (std::size_t i = 1; i <= *count; ++i) out.push_back("celery" + std::to_string(i));
  return out;
}

void take(option const& o, multi_node& into) {
  if (o.name == "--pidfile") {
    into.pidfile = o.value.value_or("");
  } else if (o.name == "--logfile" || o.name == "-f") {
    into.logfile = o.value.value_or("");
  } else if (o.name.starts_with("--")) {
    into.options.push_back(o.value ? o.name + "=" + *o.value : o.name);
  } else {
    into.options.push_back(o.name);
    if (o.value) into.options.push_back(*o.value);
  }
}

}  // namespace

std::vector<multi_node> plan_nodes(std::vector<std::string> const& words, std::string_view host,
                                   std::string_view state) {
  std::vector<std::string> given;
  std::vector<option> options;
  read_words(words, given, options);
  std::vector<multi_node> out;
  for (auto const& name : names_of(given)) {
    multi_node n{
        work::expand_node_name(name, host), {}, std::string{state} + "/%n.pid", std::string{state} + "/%n.log"};
    if (std::any_of(out.begin(), out.end(), [&](multi_node const& other) { return other.name == n.name; }))
      throw usage_error{"node " + n.name + " is named twice"};
    auto const place = out.size() + 1;
    for (bool const own : {false, true})  // what is said of one node counts more than what is said of all
      for (auto const& o : options)
        if (o.whom.empty() != own && (!own || is_meant(o.whom, place, name, n.name))) take(o, n);
    n.pidfile = expand_file_name(n.pidfile, n.name);
    n.logfile = expand_file_name(n.logfile, n.name);
    out.push_back(std::move(n));
  }
  return out;
}

}  // namespace lovage::cli
