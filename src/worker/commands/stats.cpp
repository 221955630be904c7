// Figures of a worker.
#include "config/masking.hpp"
#include "config/url.hpp"
#include "wire/task_message.hpp"
#include "worker/commands/all.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include <fmt/format.h>

namespace lovage::work::commands {
namespace {

double seconds_of(::timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

value resources() {
  ::rusage r{};
  ::getrusage(RUSAGE_SELF, &r);
  return value::map{{"utime", seconds_of(r.ru_utime)},
                    {"stime", seconds_of(r.ru_stime)},
                    {"maxrss", r.ru_maxrss},
                    {"ixrss", r.ru_ixrss},
                    {"idrss", r.ru_idrss},
                    {"isrss", r.ru_isrss},
                    {"minflt", r.ru_minflt},
                    {"majflt", r.ru_majflt},
                    {"nswap", r.ru_nswap},
                    {"inblock", r.ru_inblock},
                    {"oublock", r.ru_oublock},
                    {"msgsnd", r.ru_msgsnd},
                    {"msgrcv", r.ru_msgrcv},
                    {"nsignals", r.ru_nsignals},
                    {"nvcsw", r.ru_nvcsw},
                    {"nivcsw", r.ru_nivcsw}};
}

// Zero where no setting says a limit.
value limit(config const& c, char const* name) {
  auto v = c.get(name);
  return v.is_null() ? value{0} : v;
}

// What each slot has done, in the words of Celery's prefork pool.
value writes(pool::pool const& jobs) {
  auto const slots = jobs.slots();
  auto const total = std::accumulate(slots.begin(), slots.end(), std::uint64_t{0},
                                     [](std::uint64_t n, pool::slot const& s) { return n + s.done; });
  auto const active = std::count_if(slots.begin(), slots.end(), [](pool::slot const& s) { return s.job != 0; });
  std::string shares, raw;
  for (auto const& s : slots) {
    auto const share = total > 0 ? static_cast<double>(s.done) / static_cast<double>(total) : 0;
    shares += fmt::format("{}{:.2f}", shares.empty() ? "" : ", ", share);
    raw += fmt::format("{}{}", raw.empty() ? "" : ", ", s.done);
  }
  auto const average = slots.empty() || total == 0 ? 0 : 1.0 / static_cast<double>(slots.size());
  return value::map{{"total", total},     {"avg", fmt::format("{:.2f}", average)},
                    {"all", shares},      {"raw", raw},
                    {"strategy", "fair"}, {"inqueues", value::map{{"total", slots.size()}, {"active", active}}}};
}

value pool_stats(node const& on) {
  auto const& c = on.app.settings;
  auto const pids = on.jobs.pids();
  auto const most = c.get("worker_max_tasks_per_child");
  value::map out{{"implementation", std::string{"lovage:"} + on.jobs.name()},
                 {"max-concurrency", on.slots()},
                 {"processes", value::list(pids.begin(), pids.end())},
                 {"max-tasks-per-child", is_true(most) ? most : value{"N/A"}},
                 {"put-guarded-by-semaphore", false},
                 {"timeouts", value::list{limit(c, "task_soft_time_limit"), limit(c, "task_time_limit")}},
                 {"writes", writes(on.jobs)}};
  if (std::string_view{on.jobs.name()} == "threads") out.push_back({"threads", on.slots()});
  return out;
}

value optional_text(std::string const& text) { return text.empty() ? value{} : value{text}; }

value port_of(url const& u) {
  if (u.port) return *u.port;
  if (u.scheme.starts_with("amqp")) return u.scheme == "amqps" ? 5671 : 5672;
  return u.scheme.starts_with("redis") ? value{6379} : value{};
}

value broker_stats(config const& c) {
  auto const urls = parse_urls(c.broker_read_url());
  auto const one = urls ? urls->front() : url{};
  value::list others;
  for (std::size_t i = 1; urls && i < urls->size(); ++i) others.emplace_back((*urls)[i].host);
  double const heartbeat = std::chrono::duration<double>(c.broker_heartbeat()).count();
  auto path = one.path;
  if (one.scheme.starts_with("amqp") && path.empty()) path = "/";
  return value::map{{"hostname", optional_text(one.host)},
                    {"userid", optional_text(one.user)},
                    {"virtual_host", path},
                    {"port", port_of(one)},
                    {"insist", false},
                    {"ssl", c.broker_use_ssl().on_},
                    {"transport", one.scheme},
                    {"connect_timeout", c.get("broker_connection_timeout")},
                    {"transport_options", settings::masked(value{c.broker_transport_options()}, "********")},
                    {"login_method", "PLAIN"},
                    {"uri_prefix", value{}},
                    {"heartbeat", heartbeat},
                    {"failover_strategy", c.broker_failover_strategy()},
                    {"alternates", std::move(others)},
                    {"credential_provider", value{}}};
}

std::uint64_t resident_octets() {
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Five digits, as Celery's.
std::string human_size(std::uint64_t octets) {
  struct unit {
    double size;
    char const* name;
  };
  for (auto const& [size, name] : {unit{1e12, "TB"}, unit{1e9, "GB"}, unit{1e6, "MB"}, unit{1e3, "KB"}})
    if (static_cast<double>(octets) >= size) return fmt::format("{:.5g}{}", static_cast<double>(octets) / size, name);
  return fmt::format("{}B", octets);
}

}  // namespace

answer stats(node& on, arguments) {
  value::map totals;
  if (on.parts.totals)
    for (auto const& [task, n] : on.parts.totals()) totals.push_back({task, n});
  auto const uptime = std::chrono::steady_clock::now() - on.since;
  value::map out{{"total", std::move(totals)},
                 {"pid", ::getpid()},
                 {"clock", std::to_string(on.clock.value())},
                 {"uptime", std::chrono::duration_cast<std::chrono::seconds>(uptime).count()},
                 {"pool", pool_stats(on)}};
  if (auto const s = on.parts.autoscaler ? on.parts.autoscaler() : std::nullopt)
    out.push_back(
        {"autoscaler",
         value::map{{"max", s->limits.max}, {"min", s->limits.min}, {"current", s->current}, {"qty", s->queued}}});
  out.push_back({"broker", broker_stats(on.app.settings)});
  out.push_back({"prefetch_count", on.reserve});
  out.push_back({"rusage", resources()});
  return value{std::move(out)};
}

answer memsample(node& on, arguments) {
  on.memory_samples.push_back(resident_octets());
  return value{human_size(on.memory_samples.back())};
}

answer memdump(node& on, arguments given) {
  constexpr std::int64_t usual = 10;
  auto const wanted = integer_of(argument(given, "samples"), "samples").value_or(usual);
  auto& all = on.memory_samples;
  auto const n = std::min(all.size(), static_cast<std::size_t>(std::max<std::int64_t>(wanted, 0)));
  std::string out;
  if (n > 0) out = "- rss (sample):\n";
  for (auto i = all.size() - n; i < all.size(); ++i) out += "-    > " + human_size(all[i]) + ",\n";
  all.clear();
  return value{out + "- rss (end): " + human_size(resident_octets()) + ".\n"};
}

answer objgraph(node&, arguments) {
  throw command_refused{"NotImplementedError('a C++ worker keeps no object graph')"};
}

}  // namespace lovage::work::commands
