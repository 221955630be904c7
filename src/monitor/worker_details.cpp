// What workers answered, lovage's and Celery's alike.
#include "monitor/monitor.hpp"

#include <algorithm>

namespace lovage::monitor {
namespace {

std::vector<std::string> each_text(value const& list) {
  std::vector<std::string> out;
  if (auto const* items = list.get_if<value::list>())
    for (auto const& item : *items)
      if (auto const* s = item.get_if<std::string>()) out.push_back(*s);
  return out;
}

}  // namespace

std::vector<std::string> worker_details::queues() const {
  std::vector<std::string> out;
  auto const* items = active_queues.get_if<value::list>();
  if (items == nullptr) return out;
  for (auto const& item : *items)
    if (auto const* name = item.find("name"))
      if (auto const* s = name->get_if<std::string>()) out.push_back(*s);
  std::sort(out.begin(), out.end());
  return out;
}

// "shop.add [rate_limit=10/m]"
std::vector<std::string> worker_details::tasks() const {
  auto out = each_text(registered);
  for (auto& name : out) name = name.substr(0, name.find(" ["));
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<std::string> worker_details::rate_limit(std::string const& task) const {
  constexpr std::string_view key = "rate_limit=";
  for (auto const& text : each_text(registered)) {
    if (!text.starts_with(task + " [")) continue;
    auto const at = text.find(key, task.size());
    if (at == std::string::npos) return std::nullopt;
    auto const limit = text.substr(at + key.size(), text.find_first_of(" ]", at) - at - key.size());
    bool const none = limit.empty() || limit == "None" || limit == "0" || limit == "null";
    return none ? std::nullopt : std::optional{limit};
  }
  return std::nullopt;
}

// Celery's prefork pool goes on telling the size that it was started with, whatever it grew to; its processes are true.
std::optional<std::int64_t> worker_details::slots() const {
  auto const* pool = stats.find("pool");
  if (!pool) return std::nullopt;
  auto const* kind = pool->find("implementation");
  auto const* name = kind ? kind->get_if<std::string>() : nullptr;
  auto const* pids = pool->find("processes");
  auto const* processes = pids ? pids->get_if<value::list>() : nullptr;
  if (name && name->starts_with("celery.concurrency.prefork") && processes && !processes->empty())
    return static_cast<std::int64_t>(processes->size());
  auto const* most = pool->find("max-concurrency");
  auto const* number = most ? most->get_if<std::int64_t>() : nullptr;
  return number ? std::optional{*number} : std::nullopt;
}

}  // namespace lovage::monitor
