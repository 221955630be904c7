#include "worker/scaling.hpp"

#include "core/log.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace lovage::work {
namespace {

double cpu_seconds(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string const text{std::istreambuf_iterator<char>{file}, {}};
  auto const after_name = text.rfind(')');
  if (after_name == text.npos) return 0;
  std::istringstream rest{text.substr(after_name + 1)};
  std::string word;
  for (int field = 3; field < 14; ++field) rest >> word;  // proc(5): 14 is utime, 15 is stime
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

double cpu_meter::total(std::vector<int> const& pids) {
  std::unordered_map<int, double> now;
  double sum = 0;
  for (int const pid : pids) {
    auto const used = cpu_seconds(pid);
    now[pid] = used;
    sum += used;
  }
  for (auto const& [pid, used] : last_) {
    if (!now.contains(pid)) gone_ += used;
  }
  last_ = std::move(now);
  return sum + gone_;
}

scaling::scaling(worker_plan const& plan, pool::pool& jobs, consumer& source)
    : plan_{plan}, jobs_{jobs}, source_{source}, scaler_{*plan.autoscale, plan.autoscale_by} {}

void scaling::tick() {
  auto const state = source_.state();
  pool_load load;
  load.size = jobs_.concurrency();
  load.demand = state.in_flight;
  load.more = state.in_flight >= reserve_for(plan_, load.size);
  load.done = state.processed;
  load.cpu_s = cpu_.total(jobs_.pids());
  load.cores = std::max(1U, std::thread::hardware_concurrency());
  auto const size = scaler_.step(load, std::chrono::steady_clock::now());
  if (size == load.size) return;
  if (auto const done = jobs_.resize(size); !done) return log::warning("autoscale: " + done.error().text());
  log::info("autoscale: the pool goes from " + std::to_string(load.size) + " to " + std::to_string(size) + " slots");
}

}  // namespace lovage::work
