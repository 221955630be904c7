// What tests of running a task run, when, and for whom.
#pragma once

#include "core/log.hpp"
#include "execute/request.hpp"

#include <lovage/app.hpp>

#include <chrono>

namespace lovage::testing {

inline constexpr task<int(int, int)> add{"t.add", {"x", "y"}};
inline time_point const noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + std::chrono::hours{12}};

/// A worker's rules, with `add` as its only task, and what comes of them; logs nothing.
struct worker_rules {
  worker_rules() {
    log::set_sink({}, log::level::critical);
    tasks.define(add, [](int x, int y) { return x + y; });
    with.tasks = &tasks.internals();
    with.node = "celery@test";
    with.uniform = [] { return 0.0; };
  }

  task_registry tasks;
  execute::policy with;
  execute::effects out;
};

}  // namespace lovage::testing
