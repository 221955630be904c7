// Events for this layer's tests.
#pragma once

#include "monitor/history.hpp"
#include "wire/event.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace lovage::monitor::for_tests {

inline time_point at(double seconds) {
  return time_point{std::chrono::microseconds{static_cast<std::int64_t>(seconds * 1e6)}};
}

/// Unix seconds of a fine day.
inline constexpr double noon = 1'800'000'000;

inline wire::event task_event(std::string type, std::string const& id, double when, value::map fields = {},
                              std::string who = "w1@host") {
  wire::event e;
  e.type = "task-" + std::move(type);
  e.hostname = std::move(who);
  e.timestamp = when;
  e.fields = std::move(fields);
  e.fields.push_back({"uuid", id});
  return e;
}

inline wire::event received(std::string const& id, double when, std::string const& name = "shop.add",
                            std::string const& args = "(2, 3)", std::string const& who = "w1@host") {
  return task_event("received", id, when, {{"name", name}, {"args", args}, {"kwargs", "{}"}, {"retries", 0}}, who);
}
inline wire::event started(std::string const& id, double when, std::string const& who = "w1@host") {
  return task_event("started", id, when, {}, who);
}
inline wire::event succeeded(std::string const& id, double when, double runtime = 0.25,
                             std::string const& result = "5") {
  return task_event("succeeded", id, when, {{"result", result}, {"runtime", runtime}});
}
inline wire::event failed(std::string const& id, double when, std::string const& exception) {
  return task_event("failed", id, when, {{"exception", exception}, {"traceback", "Traceback: " + exception}});
}

/// A folder that goes with the test.
class folder {
 public:
  folder() {
    char name[] = "/tmp/lovage-monitor-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;
  [[nodiscard]] std::string file(std::string const& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace lovage::monitor::for_tests
