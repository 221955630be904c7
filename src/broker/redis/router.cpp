#include "broker/redis/router.hpp"

#include <algorithm>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;

constexpr auto good_for = 5s;
constexpr std::size_t most_tables = 1'000;

bool reaches(binding const& b, std::string const& key) {
  return b.pattern.empty() ? b.routing_key == key : topic_matches(b.routing_key, key);
}

void add(std::vector<std::string>& to, std::string const& queue) {
  if (std::find(to.begin(), to.end(), queue) == to.end()) to.push_back(queue);
}

}  // namespace

expected<void> router::read(std::string const& exchange, table& into, rd::client& over, deadline until) {
  rd::commands c;
  c.add({"SMEMBERS", on_.names.bindings(exchange)});
  auto said = over.run(c, rd::repeat::yes, until);
  if (!said) return fail(said.error());
  auto const& members = said->front();
  if (members.is_error()) return fail(rd::to_error(members));
  into.bindings.clear();
  for (auto const& m : members.items)
    if (auto b = on_.names.read_binding(m.text); !b.queue.empty()) into.bindings.push_back(std::move(b));
  into.read_at = clock::now();
  return {};
}

expected<std::vector<std::string>> router::queues(std::string const& exchange, std::string const& routing_key,
                                                  rd::client& over, deadline until) {
  std::vector<std::string> out;
  for (auto const& q : on_.with.queues.reached_by(exchange, routing_key)) add(out, q.str());
  if (tables_.size() > most_tables) tables_.clear();  // reply exchanges come and go
  auto& t = tables_[exchange];
  bool fresh = false;
  for (;;) {
    if (clock::now() - t.read_at > good_for) {
      if (auto done = read(exchange, t, over, until); !done) return fail(done.error());
      fresh = true;
    }
    for (auto const& b : t.bindings)
      if (reaches(b, routing_key)) add(out, b.queue);
    if (!out.empty() || std::exchange(fresh, true)) return out;
    t.read_at = {};
  }
}

expected<std::optional<std::string>> router::mailbox(std::string const& exchange, std::string const& routing_key,
                                                     rd::client& over, deadline until) const {
  binding const wanted{routing_key, "", routing_key + "." + exchange};
  rd::commands c;
  c.add({"SISMEMBER", on_.names.bindings(exchange), on_.names.write(wanted)});
  auto const said = over.run(c, rd::repeat::yes, until);
  if (!said) return fail(said.error());
  if (said->front().is_error()) return fail(rd::to_error(said->front()));
  if (said->front().integer == 0) return std::optional<std::string>{};
  return std::optional{wanted.queue};
}

}  // namespace lovage::broker::redis_broker
