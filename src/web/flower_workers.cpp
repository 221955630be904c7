// Flower's API of workers: /api/workers, /api/worker/...
#include "web/flower.hpp"
#include "web/views.hpp"

#include <algorithm>
#include <map>

namespace lovage::web {
namespace {

/// What workers answered when they were asked last.
class flower_book {
 public:
  using book = std::map<std::string, value::map>;

  void ask(app& on, std::vector<std::string> const& whom, time_point now) {
    if (whom.empty()) return;
    auto inspect = on.control(control_options{}.destination(whom).timeout(control_options::seconds{2})).inspect();
    book fresh;
    for (auto& [node, v] : inspect.stats()) fresh[node].push_back({"stats", safe_stats(std::move(v))});
    for (auto& [node, v] : inspect.active_queues()) fresh[node].push_back({"active_queues", std::move(v)});
    for (auto& [node, v] : inspect.registered()) fresh[node].push_back({"registered", std::move(v)});
    for (auto& [node, v] : inspect.scheduled()) fresh[node].push_back({"scheduled", std::move(v)});
    for (auto& [node, v] : inspect.active(true)) fresh[node].push_back({"active", std::move(v)});
    for (auto& [node, v] : inspect.reserved()) fresh[node].push_back({"reserved", std::move(v)});
    for (auto& [node, v] : inspect.revoked()) fresh[node].push_back({"revoked", std::move(v)});
    for (auto& [node, v] : inspect.conf()) fresh[node].push_back({"conf", std::move(v)});
    std::lock_guard const lock{mutex_};
    for (auto& [node, of] : fresh) {
      of.push_back({"timestamp", seconds_value(now)});
      workers_[node] = std::move(of);
    }
  }
  book all() {
    std::lock_guard const lock{mutex_};
    return workers_;
  }

 private:
  std::mutex mutex_;
  book workers_;
};

std::vector<std::string> online_of(site& s) {
  std::vector<std::string> out;
  for (auto const& w : s.eyes.latest()->workers)
    if (w.seen.state == monitor::worker_state::online) out.push_back(w.seen.name);
  return out;
}

response flower_workers(site& s, flower_book& book, request const& r) {
  auto const name = flower::argument(r, "workername").value_or("");
  if (flower::flag(r, "status")) {
    value::map out;
    for (auto const& w : s.eyes.latest()->workers)
      out.push_back({w.seen.name, w.seen.state == monitor::worker_state::online});
    return json_response(out);
  }
  if (!name.empty()) flower::need_worker(s, name);
  auto known = book.all();
  auto const online = online_of(s);
  bool const missing = std::any_of(online.begin(), online.end(), [&](auto const& n) { return known.count(n) == 0; });
  if (flower::flag(r, "refresh") || missing) {
    book.ask(s.on, name.empty() ? online : std::vector{name}, s.now());
    known = book.all();
  }
  value::map out;
  for (auto& [node, of] : known)
    if (name.empty() || name == node) out.push_back({node, std::move(of)});
  return json_response(out);
}

/// One order to one worker: its answer is `said` with what it said in place of nothing.
struct order {
  command what;
  std::string done;    ///< the message; empty: what the worker said
  std::string failed;  ///< the beginning of the text of a 403
};

response give(site& s, std::string const& worker, order const& o) {
  flower::need_worker(s, worker);
  auto const replies = tell_workers(s.on, o.what, {worker});
  s.eyes.look_again();
  auto const* reply = replies.empty() ? nullptr : &replies.front();
  if (reply && reply->ok) return flower::message(o.done.empty() ? reply->text : o.done);
  return flower::refuse(403, o.failed + (reply ? reply->text : std::string{"Unknown reason"}));
}

std::string worker_in(request const& r) { return std::string{r.parameters.get("workername")}; }

int count_in(request const& r, char const* name, std::optional<int> fallback) {
  auto const n = flower::number(r, name);
  if (!n && fallback) return *fallback;
  if (!n || *n != static_cast<int>(*n))
    throw error{errc::invalid_argument, std::string{"Invalid argument '"} + name + "'", name};
  return static_cast<int>(*n);
}

order grow_order(request const& r, bool grow) {
  auto const n = count_in(r, "n", 1);
  auto const w = worker_in(r);
  auto const words = grow ? std::pair{"Growing", "Failed to grow '"} : std::pair{"Shrinking", "Failed to shrink '"};
  return {{grow ? "pool_grow" : "pool_shrink", {{"n", n}}},
          std::string{words.first} + " '" + w + "' worker's pool by " + std::to_string(n),
          words.second + w + "' worker's pool: "};
}

order autoscale_order(request const& r) {
  auto const min = count_in(r, "min", {}), max = count_in(r, "max", {});
  auto const w = worker_in(r);
  return {{"autoscale", {{"max", max}, {"min", min}}},
          "Autoscaling '" + w + "' worker (min=" + std::to_string(min) + ", max=" + std::to_string(max) + ")",
          "Failed to autoscale '" + w + "' worker: "};
}

order consumer_order(request const& r, bool add) {
  auto const queue = flower::needed(r, "queue");
  auto const w = worker_in(r);
  return {{add ? "add_consumer" : "cancel_consumer", {{"queue", queue}}},
          {},
          add ? "Failed to add '" + queue + "' consumer to '" + w + "' worker: "
              : "Failed to cancel '" + queue + "' consumer from '" + w + "' worker: "};
}

order restart_order(request const& r) {
  auto const w = worker_in(r);
  return {{"pool_restart", {{"reload", false}}},
          "Restarting '" + w + "' worker's pool",
          "Failed to restart the '" + w + "' pool: "};
}

response shut_down(site& s, request const& r) {
  flower::need_worker(s, worker_in(r));
  (void)tell_workers(s.on, {"shutdown", {}, false}, {worker_in(r)});
  s.eyes.look_again();
  return flower::message("Shutting down!");
}

void add_order(router& to, site& s, char const* path, char const* summary, std::vector<std::string> takes,
               std::function<order(request const&)> of) {
  to.add({.method = "POST",
          .pattern = std::string{"/api/worker/"} + path + "/{workername+}",
          .access = access::operate,
          .serve = [&s, of = std::move(of)](request const& r) { return give(s, worker_in(r), of(r)); },
          .summary = summary,
          .takes = std::move(takes),
          .audited = true,
          .flower = true});
}

// Limits of one task at one worker.
response limit_task(site& s, request const& r, command what, char const* failed) {
  auto const worker = flower::needed(r, "workername");
  flower::need_task(s, std::string{r.parameters.get("taskname")});
  return give(s, worker, {std::move(what), {}, failed});
}

response limit_time(site& s, request const& r) {
  auto const hard = flower::number(r, "hard"), soft = flower::number(r, "soft");
  return limit_task(s, r,
                    {"time_limit",
                     {{"task_name", std::string{r.parameters.get("taskname")}},
                      {"hard", optional_value(hard)},
                      {"soft", optional_value(soft)}}},
                    "Failed to set timeouts: ");
}

response limit_rate(site& s, request const& r) {
  return limit_task(
      s, r,
      {"rate_limit",
       {{"task_name", std::string{r.parameters.get("taskname")}}, {"rate_limit", flower::needed(r, "ratelimit")}}},
      "Failed to set rate limit: ");
}

}  // namespace

void add_flower_worker_routes(router& to, site& s) {
  auto const book = std::make_shared<flower_book>();
  to.add({.method = "GET",
          .pattern = "/api/workers",
          .serve = [&s, book](request const& r) { return flower_workers(s, *book, r); },
          .summary = "Workers with what they answer to inspect",
          .takes = {"refresh: ask them now", "workername: this one alone", "status: only whether they are there"},
          .flower = true});
  to.add({.method = "POST",
          .pattern = "/api/worker/shutdown/{workername+}",
          .access = access::operate,
          .serve = [&s](request const& r) { return shut_down(s, r); },
          .summary = "Ends a worker",
          .audited = true,
          .flower = true});
  add_order(to, s, "pool/restart", "Restarts a worker's pool", {}, restart_order);
  add_order(to, s, "pool/grow", "Adds to a worker's pool", {"n: how many; 1 unless given"},
            [](request const& r) { return grow_order(r, true); });
  add_order(to, s, "pool/shrink", "Takes from a worker's pool", {"n: how many; 1 unless given"},
            [](request const& r) { return grow_order(r, false); });
  add_order(to, s, "pool/autoscale", "Bounds of a worker's pool", {"min: least", "max: most"}, autoscale_order);
  add_order(to, s, "queue/add-consumer", "Makes a worker take from a queue", {"queue: name"},
            [](request const& r) { return consumer_order(r, true); });
  add_order(to, s, "queue/cancel-consumer", "Makes a worker leave a queue", {"queue: name"},
            [](request const& r) { return consumer_order(r, false); });
  to.add({.method = "POST",
          .pattern = "/api/task/timeout/{taskname+}",
          .access = access::operate,
          .serve = [&s](request const& r) { return limit_time(s, r); },
          .summary = "Time limits of a task at a worker",
          .takes = {"workername: which", "hard: seconds", "soft: seconds"},
          .audited = true,
          .flower = true});
  to.add({.method = "POST",
          .pattern = "/api/task/rate-limit/{taskname+}",
          .access = access::operate,
          .serve = [&s](request const& r) { return limit_rate(s, r); },
          .summary = "Rate limit of a task at a worker",
          .takes = {"workername: which", "ratelimit: such as 200 or 10/m"},
          .audited = true,
          .flower = true});
}

}  // namespace lovage::web
