#include "broker/redis/reaper.hpp"

#include "broker/redis/element.hpp"
#include "broker/redis/ledger.hpp"
#include "broker/redis/lost.hpp"
#include "core/log.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace lovage::broker::redis_broker {
namespace {

constexpr std::size_t reaped_at_once = 100;

using claims = std::vector<claim_name>;

/// Which of them had begun. The oldest had, if anything had: a task that kills its worker at once leaves no mark.
expected<std::set<std::uint64_t>> begun(shared const& on, rd::client& over, claims const& of, deadline until) {
  rd::commands c;
  c.add({"GET", marks_key(on, of.front().session)});
  auto const said = over.run(c, rd::repeat::yes, until);
  if (!said) return fail(said.error());
  std::set<std::uint64_t> out{of.front().tag};
  std::string_view rest = said->front().is_text() ? said->front().text : std::string_view{};
  while (!rest.empty()) {
    auto const end = std::min(rest.find(' '), rest.size());
    std::uint64_t tag = 0;
    std::from_chars(rest.data(), rest.data() + end, tag);
    out.insert(tag);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

void add(shared const& on, moves& to, claim_name const& claim, rd::reply const& value, bool counted) {
  auto name = claim.text();
  if (value.is_nil()) return to.done(std::move(name));  // in the index alone
  auto const tail = unacked_tail(claim.queue);
  auto const entry = read_unacked(value.text);
  if (!entry)
    return to.bury(std::move(name), dead_head(claim.queue, 0, entry.error().text(), on.with.now(), 0), claim.queue,
                   tail);
  auto const text = envelope_in(value.text, claim.queue);
  to.give_back(std::move(name), given_back(text, entry->attempts + (counted ? 1 : 0)),
               {on.names.list(claim.queue, entry->priority)});
}

// `of` in the order of their tags; given back from the last to the first, so that the first is served next.
expected<std::size_t> reap_session(shared const& on, rd::client& over, claims const& of, deadline until) {
  auto const counted = begun(on, over, of, until);
  if (!counted) return fail(counted.error());
  std::size_t given = 0;
  for (auto end = of.size(); end > 0;) {
    auto const from = end > reaped_at_once ? end - reaped_at_once : 0;
    std::vector<std::string> names;
    for (auto i = from; i < end; ++i) names.push_back(of[i].text());
    auto const values = values_of(on, over, names, until);
    if (!values) return fail(values.error());
    moves some{on.names.with().lovage_lease};
    for (auto i = end; i-- > from;) add(on, some, of[i], (*values)[i - from], counted->count(of[i].tag) > 0);
    auto const sent = some.send(on, over, until);
    if (!sent) return fail(sent.error());
    given += *sent;
    end = from;
  }
  return given;
}

}  // namespace

std::string marks_key(shared const& on, std::string_view session) {
  return on.names.key("lovage.started." + std::string{session});
}

expected<std::size_t> reap(shared const& on, rd::client& over, deadline until) {
  auto const is_ours = [](std::string const& name) { return claim_name::read(name).has_value(); };
  auto const names = older_than(on, over, on.names.with().lovage_lease, is_ours, until);
  if (!names) return fail(names.error());
  std::map<std::string, claims> sessions;
  for (auto const& n : *names) {
    auto claim = claim_name::read(n).value();
    auto& of = sessions[claim.session];
    of.push_back(std::move(claim));
  }
  std::size_t total = 0;
  for (auto& [session, of] : sessions) {
    std::sort(of.begin(), of.end(), [](auto const& a, auto const& b) { return a.tag < b.tag; });
    auto const given = reap_session(on, over, of, until);
    if (!given) return fail(given.error());
    if (*given > 0)
      log::warning("the worker of session " + session + " is gone; its " + std::to_string(*given) +
                   " tasks are given back");
    total += *given;
  }
  return total;
}

}  // namespace lovage::broker::redis_broker
