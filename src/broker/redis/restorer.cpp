// What kombu's restore_visible does, for clusters in which no Python worker is left to do it.
#include "broker/redis/element.hpp"
#include "broker/redis/ledger.hpp"
#include "broker/redis/lost.hpp"
#include "broker/redis/reaper.hpp"
#include "broker/redis/router.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

namespace lovage::broker::redis_broker {
namespace {

constexpr std::size_t restored_at_once = 100;

/// kombu's: whoever has it restores, the others leave it at that.
class restore_lock {
 public:
  restore_lock(shared const& on, rd::client& over, deadline until) : on_{on}, over_{over}, until_{until} {}
  ~restore_lock() {
    static rd::script const release{
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"};
    if (taken_) (void)over_.eval(release, {on_.key.unacked_mutex}, {value_}, rd::repeat::yes, until_);
  }
  restore_lock(restore_lock const&) = delete;
  restore_lock& operator=(restore_lock const&) = delete;

  expected<bool> take() {
    auto const ms = std::chrono::milliseconds{on_.names.with().unacked_mutex_expire}.count();
    rd::commands c;
    c.add({"SET", on_.key.unacked_mutex, value_, "PX", std::to_string(ms), "NX"});
    auto const said = over_.run(c, rd::repeat::yes, until_);
    if (!said) return fail(said.error());
    if (said->front().is_error()) return fail(rd::to_error(said->front()));
    return taken_ = !said->front().is_nil();
  }

 private:
  shared const& on_;
  rd::client& over_;
  deadline const until_;
  std::string const value_ = random_uuid().str();
  bool taken_ = false;
};

/// To all queues that the publisher reached, as kombu does: which of them it was taken from is not written down.
expected<void> add(shared const& on, rd::client& over, router& routes, std::string const& name, rd::reply const& value,
                   moves& to, deadline until) {
  if (value.is_nil()) return to.done(name), expected<void>{};
  auto const entry = read_unacked(value.text);
  if (!entry) {
    log::error("an entry of unacked cannot be read (" + entry.error().text() + "); it stays there", {{"tag", name}});
    return {};
  }
  std::vector<std::string> queues{entry->routing_key};
  if (!entry->exchange.empty()) {
    auto found = routes.queues(entry->exchange, entry->routing_key, over, until);
    if (!found) return fail(found.error());
    queues = *std::move(found);
  }
  std::vector<std::string> lists;
  for (auto const& q : queues) lists.push_back(on.names.list(q, entry->priority));
  if (!lists.empty()) to.give_back(name, given_back(entry->envelope, entry->attempts), lists);
  return {};
}

}  // namespace

expected<std::size_t> restore_pythons(shared const& on, rd::client& over, deadline until) {
  auto const age = on.names.with().visibility_timeout;
  auto const is_theirs = [](std::string const& name) { return !claim_name::read(name); };
  auto const names = older_than(on, over, age, is_theirs, until);
  if (!names) return fail(names.error());
  if (names->empty()) return std::size_t{0};
  restore_lock lock{on, over, until};
  auto const taken = lock.take();
  if (!taken) return fail(taken.error());
  if (!*taken) return std::size_t{0};
  router routes{on};
  std::size_t given = 0;
  for (auto end = names->size(); end > 0;) {  // the oldest last: it is served next
    auto const from = end > restored_at_once ? end - restored_at_once : 0;
    std::vector<std::string> const some(names->begin() + static_cast<std::ptrdiff_t>(from),
                                        names->begin() + static_cast<std::ptrdiff_t>(end));
    auto const values = values_of(on, over, some, until);
    if (!values) return fail(values.error());
    moves back{age};
    for (auto i = some.size(); i-- > 0;)
      if (auto done = add(on, over, routes, some[i], (*values)[i], back, until); !done) return fail(done.error());
    auto const sent = back.send(on, over, until);
    if (!sent) return fail(sent.error());
    given += *sent;
    end = from;
  }
  if (given > 0)
    log::warning(std::to_string(given) +
                 " tasks of Python workers were not acknowledged within the visibility timeout; "
                 "they are given back");
  return given;
}

}  // namespace lovage::broker::redis_broker
