#include "cli/event_text.hpp"

#include "cli/print.hpp"
#include "wire/result_record.hpp"
#include "wire/task_message.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lovage::cli {
namespace {

constexpr std::size_t most_names = 4'095;  // as Celery's
constexpr std::size_t most_tasks = 1'000, most_workers = 1'000;

// As Python's str().
std::string text_of(value const& v) {
  auto const* s = v.get_if<std::string>();
  return printable(s ? *s : wire::repr(v));
}

std::string field(wire::event const& e, char const* key) {
  auto const* v = find(e.fields, key);
  return v ? text_of(*v) : std::string{};
}

std::int64_t number(wire::event const& e, char const* key) {
  auto const* v = find(e.fields, key);
  auto const* i = v ? v->get_if<std::int64_t>() : nullptr;
  return i ? *i : 0;
}

double real(wire::event const& e, char const* key, double otherwise) {
  auto const* v = find(e.fields, key);
  if (auto const* d = v ? v->get_if<double>() : nullptr) return *d;
  auto const* i = v ? v->get_if<std::int64_t>() : nullptr;
  return i ? static_cast<double>(*i) : otherwise;
}

// Times from others: far ones are shown as their bound. Rounded as Python does, the fraction by itself and half to
// even.
time_point moment(double seconds) {
  double whole = 0;
  auto const fraction = std::modf(std::isfinite(seconds) ? std::clamp(seconds, 0.0, 4e9) : 0.0, &whole);
  return time_point{std::chrono::seconds{static_cast<std::int64_t>(whole)} +
                    std::chrono::microseconds{static_cast<std::int64_t>(std::nearbyint(fraction * 1e6))}};
}

std::string python_moment(double seconds) {
  auto const at = moment(seconds);
  auto const whole = std::chrono::floor<std::chrono::seconds>(at);
  auto const micros = (at - whole).count();
  auto const parts = fmt::gmtime(std::chrono::system_clock::to_time_t(whole));
  return micros == 0 ? fmt::format("{:%Y-%m-%d %H:%M:%S}+00:00", parts)
                     : fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06}+00:00", parts, micros);
}

std::string human_type(std::string const& type) {
  if (type == "worker-offline") return "shutdown";
  if (type == "worker-online") return "started";
  if (type == "worker-heartbeat") return "heartbeat";
  auto out = printable(type);
  std::replace(out.begin(), out.end(), '-', ' ');
  return out;
}

bool names_its_task(wire::event const& e) { return e.type == "task-received" || e.type == "task-sent"; }

// What the line has not said yet, sorted by name.
std::string other_fields(wire::event const& e, double received) {
  std::map<std::string, std::string> all{{"local_received", wire::repr(value{received})}};
  for (auto const& f : e.fields) all[printable(f.key)] = text_of(f.val);
  if (e.utcoffset) all["utcoffset"] = fmt::format("{}", *e.utcoffset);
  if (e.pid) all["pid"] = std::to_string(*e.pid);
  if (e.clock) all["clock"] = std::to_string(*e.clock);
  if (e.type.starts_with("task-")) all.erase("uuid");
  if (names_its_task(e))
    for (auto const* key : {"name", "args", "kwargs"}) all.erase(key);
  std::string out;
  for (auto const& [key, text] : all) out += (out.empty() ? "" : ", ") + key + "=" + text;
  return out;
}

std::string cut(std::string line, std::size_t width) {
  std::size_t characters = 0, at = 0;
  for (; at < line.size(); ++at)
    if ((static_cast<unsigned char>(line[at]) & 0xC0) != 0x80 && ++characters > width) break;
  line.resize(at);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

}  // namespace

std::string event_dump::task_of(wire::event const& e) {
  auto const id = field(e, "uuid");
  if (!names_its_task(e)) {
    auto const at = names_.find(id);
    return at == names_.end() ? std::string{} : at->second;
  }
  auto text = fmt::format("{}({}) args={} kwargs={}", field(e, "name"), id, field(e, "args"), field(e, "kwargs"));
  if (names_.insert_or_assign(id, text).second) in_order_.push_back(id);
  if (in_order_.size() > most_names) names_.erase(in_order_.front()), in_order_.pop_front();
  return text;
}

std::string event_dump::line(wire::event const& e, double received) {
  auto const fields = other_fields(e, received);
  auto const head = fmt::format("{} [{}] {}:", printable(e.hostname), python_moment(e.timestamp.value_or(received)),
                                human_type(e.type));
  return e.type.starts_with("task-") ? fmt::format("{} {} {}", head, task_of(e), fields) : head + " " + fields;
}

void event_table::add(wire::event const& e, time now) {
  ++heard_;
  if (e.type.starts_with("worker-")) return add_worker(e, now);
  if (e.type.starts_with("task-")) add_task(e);
}

void event_table::add_worker(wire::event const& e, time now) {
  if (workers_.size() >= most_workers && !workers_.contains(e.hostname)) return;
  auto& w = workers_[e.hostname];
  w.heard = now;
  w.offline = e.type == "worker-offline";
  if (find(e.fields, "processed") == nullptr) return;
  w.active = number(e, "active");
  w.processed = number(e, "processed");
  w.load = field(e, "loadavg");
  w.software = field(e, "sw_ident") + " " + field(e, "sw_ver");
  w.rhythm = std::chrono::duration<double>{std::clamp(real(e, "freq", 2), 0.1, 86'400.0)};
}

void event_table::add_task(wire::event const& e) {
  auto const id = field(e, "uuid");
  auto at = by_id_.find(id);
  if (at == by_id_.end()) {
    tasks_.push_front({});
    tasks_.front().id = id;
    at = by_id_.emplace(id, tasks_.begin()).first;
    if (tasks_.size() > most_tasks) by_id_.erase(tasks_.back().id), tasks_.pop_back();
  } else {
    tasks_.splice(tasks_.begin(), tasks_, at->second);
  }
  auto& t = *at->second;
  t.at = e.timestamp.value_or(t.at);
  t.state = printable(e.type.substr(5));
  std::transform(t.state.begin(), t.state.end(), t.state.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (e.type != "task-sent") t.worker = printable(e.hostname);
  if (names_its_task(e)) {
    t.name = field(e, "name");
    t.arguments = field(e, "args") + " " + field(e, "kwargs");
  }
  t.about = find(e.fields, "exception") ? field(e, "exception") : field(e, "result");
}

std::vector<text_row> event_table::worker_rows(time now) const {
  std::vector<text_row> rows;
  for (auto const& [name, w] : workers_) {
    bool const silent = now - w.heard > 2 * w.rhythm;
    rows.push_back({printable(name),
                    w.offline ? "offline"
                    : silent  ? "silent"
                              : "online",
                    std::to_string(w.active), std::to_string(w.processed), w.load, w.software});
  }
  return rows;
}

std::string event_table::text(std::size_t height, std::size_t width, time now) const {
  auto lines = fmt::format("lovage events: {} workers, {} tasks, {} events; ctrl-C ends\n\n", workers_.size(),
                           tasks_.size(), heard_);
  lines += format_table({"WORKER", "STATE", "ACTIVE", "DONE", "LOAD", "SOFTWARE"}, worker_rows(now), "llrrll") + "\n";
  std::vector<text_row> rows;
  for (auto const& t : tasks_) {
    if (rows.size() >= height) break;
    auto const clock = fmt::format("{:%H:%M:%S}", fmt::gmtime(std::chrono::system_clock::to_time_t(moment(t.at))));
    rows.push_back(
        {clock, t.state, t.name.empty() ? "?" : t.name, t.id, t.worker, t.about.empty() ? t.arguments : t.about});
  }
  lines += format_table({"UTC", "STATE", "TASK", "ID", "WORKER", "RESULT OR ARGUMENTS"}, rows, "llllll");
  std::string out;
  for (std::size_t at = 0, n = 0; at < lines.size() && n < height; ++n) {
    auto const end = std::min(lines.find('\n', at), lines.size());
    out += cut(lines.substr(at, end - at), width) + "\n";
    at = end + 1;
  }
  return out;
}

}  // namespace lovage::cli
