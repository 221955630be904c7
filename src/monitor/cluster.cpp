#include "monitor/cluster.hpp"

#include "monitor/event_fields.hpp"

#include <algorithm>
#include <cmath>

namespace lovage::monitor {
namespace {

constexpr std::size_t argument_limit = 256;

std::optional<std::array<double, 3>> load_of(wire::event const& e) {
  auto const* v = find(e.fields, "loadavg");
  auto const* items = v ? v->get_if<value::list>() : nullptr;
  if (items == nullptr || items->size() != 3) return std::nullopt;
  std::array<double, 3> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    auto const* d = (*items)[i].get_if<double>();
    auto const* n = (*items)[i].get_if<std::int64_t>();
    if (d == nullptr && n == nullptr) return std::nullopt;
    out[i] = d ? *d : static_cast<double>(*n);
  }
  return out;
}

void read_heartbeat(wire::event const& e, worker_record& w) {
  if (auto const v = real_field(e, "freq")) w.interval = std::clamp(*v, 0.1, 3600.0);
  if (auto const v = integer_field(e, "active")) w.active = *v;
  if (auto const v = integer_field(e, "processed")) w.processed = *v;
  if (auto const v = load_of(e)) w.load = v;
  w.software = text_field(e, "sw_ident", 64);
  w.version = text_field(e, "sw_ver", 64);
  w.system = text_field(e, "sw_sys", 64);
}

void count_event(std::string_view type, worker_record& w) {
  if (type == "task-received") ++w.received;
  if (type == "task-started") ++w.started;
  if (type == "task-succeeded") ++w.succeeded;
  if (type == "task-failed") ++w.failed;
  if (type == "task-retried") ++w.retried;
}

std::int64_t micros(time_point t) { return t.time_since_epoch().count(); }

bool ends_run(std::string_view type) {
  return type == "task-succeeded" || type == "task-failed" || type == "task-retried" || type == "task-revoked" ||
         type == "task-rejected";
}

}  // namespace

char const* to_string(worker_state s) noexcept {
  switch (s) {
    case worker_state::online: return "online";
    case worker_state::lost: return "lost";
    case worker_state::offline: return "offline";
  }
  return "";
}

void cluster::add(wire::event const& e, time_point arrived) {
  if (e.type.starts_with("worker-")) return add_worker(e, arrived);
  if (e.type.starts_with("task-") && e.type != "task-sent") add_task(e, arrived);
}

void cluster::remember(std::vector<worker_record> of_before) {
  for (auto& w : of_before) {
    if (workers_.size() >= most_workers || workers_.contains(w.name)) continue;
    w.state = worker_state::offline;
    w.active = 0;
    changed_.insert(w.name);
    remembered_.insert(w.name);
    workers_[w.name] = std::move(w);
  }
}

worker_record& cluster::touch(std::string const& name, time_point arrived) {
  auto at = workers_.find(name);
  if (at == workers_.end()) {
    if (workers_.size() >= most_workers) {
      auto const oldest = std::min_element(workers_.begin(), workers_.end(), [](auto const& a, auto const& b) {
        return a.second.heard < b.second.heard;
      });
      end_all(oldest->first);
      remembered_.erase(oldest->first);
      workers_.erase(oldest);
    }
    at = workers_.emplace(name, worker_record{}).first;
    at->second.name = name;
    at->second.since = arrived;
    changed_.insert(name);
  }
  at->second.heard = arrived;
  if (remembered_.erase(name) > 0) at->second.state = worker_state::online;
  return at->second;
}

void cluster::add_worker(wire::event const& e, time_point arrived) {
  bool const beat = e.type == "worker-heartbeat", online = e.type == "worker-online";
  if (!beat && !online && e.type != "worker-offline") return;
  auto& w = touch(clean_text(e.hostname, task_record::name_limit), arrived);
  auto const before = w.state;
  bool const other = e.pid && w.pid && *e.pid != *w.pid;  // a new process under the old name
  if (online || other) end_all(w.name);
  if (online || other || before != worker_state::online) w.since = arrived;
  if (e.pid) w.pid = e.pid;
  w.state = e.type == "worker-offline" ? worker_state::offline : worker_state::online;
  if (beat || online) w.heartbeat = arrived;
  read_heartbeat(e, w);
  if (w.state == worker_state::offline) {
    w.active = 0;
    end_all(w.name);
  }
  changed_.insert(w.name);
}

void cluster::add_task(wire::event const& e, time_point arrived) {
  auto& w = touch(clean_text(e.hostname, task_record::name_limit), arrived);
  if (w.state == worker_state::lost) w.state = worker_state::online, w.since = arrived;
  count_event(e.type, w);
  changed_.insert(w.name);
  auto const id = text_field(e, "uuid", task_record::name_limit);
  if (e.type == "task-received") return add_received(id, e);
  if (e.type == "task-started") return add_started(id, e, arrived);
  if (ends_run(e.type)) add_ended(id, micros(time_of(e, arrived)));
}

void cluster::add_received(std::string const& id, wire::event const& e) {
  forget_received(id);
  received_[id] = {text_field(e, "name", task_record::name_limit), text_field(e, "args", argument_limit),
                   text_field(e, "kwargs", argument_limit), ++next_};
  received_order_[next_] = id;
  if (received_.size() > most_tasks) forget_received(std::string{received_order_.begin()->second});
}

void cluster::forget_received(std::string const& id) {
  auto const at = received_.find(id);
  if (at == received_.end()) return;
  received_order_.erase(at->second.order);
  received_.erase(at);
}

void cluster::add_started(std::string const& id, wire::event const& e, time_point arrived) {
  running_task t{id, {}, {}, {}, clean_text(e.hostname, task_record::name_limit), time_of(e, arrived), std::nullopt};
  auto const ended = ended_.find(id);
  if (ended != ended_.end() && ended->second >= micros(t.started)) return;
  if (auto const at = received_.find(id); at != received_.end())
    t.name = at->second.name, t.args = at->second.args, t.kwargs = at->second.kwargs;
  forget_received(id);
  running_[id] = std::move(t);
  if (running_.size() <= most_tasks) return;
  running_.erase(std::min_element(running_.begin(), running_.end(),
                                  [](auto const& a, auto const& b) { return a.second.started < b.second.started; }));
}

void cluster::add_ended(std::string const& id, std::int64_t at) {
  running_.erase(id);
  forget_received(id);
  if (ended_.insert_or_assign(id, at).second) ended_order_.push_back(id);
  if (ended_order_.size() <= most_tasks) return;
  ended_.erase(ended_order_.front());
  ended_order_.pop_front();
}

void cluster::end_all(std::string const& worker) {
  std::erase_if(running_, [&](auto const& r) { return r.second.worker == worker; });
}

void cluster::tick(time_point now) {
  for (auto& [name, w] : workers_) {
    auto const silent = std::chrono::duration<double>(now - w.heard).count();
    if (w.state != worker_state::online || silent <= 2 * w.interval + 1) continue;
    w.state = worker_state::lost;
    changed_.insert(name);
  }
}

std::vector<worker_record> cluster::workers() const {
  std::vector<worker_record> out;
  out.reserve(workers_.size());
  for (auto const& [name, w] : workers_) out.push_back(w);
  return out;
}

std::optional<worker_record> cluster::worker(std::string const& name) const {
  auto const at = workers_.find(name);
  return at == workers_.end() ? std::nullopt : std::optional{at->second};
}

std::vector<running_task> cluster::running(std::string const& worker) const {
  std::vector<running_task> out;
  for (auto const& [id, t] : running_)
    if (worker.empty() || t.worker == worker) out.push_back(t);
  std::sort(out.begin(), out.end(),
            [](auto const& a, auto const& b) { return a.started != b.started ? a.started < b.started : a.id < b.id; });
  return out;
}

std::vector<std::string> cluster::take_changed() {
  std::vector<std::string> out{changed_.begin(), changed_.end()};
  changed_.clear();
  return out;
}

}  // namespace lovage::monitor
