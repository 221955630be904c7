#include "worker/metrics.hpp"

#include <gmock/gmock.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using execute::task_stage;
using ::testing::HasSubstr;
using ::testing::Not;

class Metrics : public ::testing::Test {
 protected:
  execute::request of(char const* task, bool known = true) {
    execute::request r;
    r.message.task = task;
    if (known) r.entry = &entry;
    return r;
  }
  task_entry entry;
  metrics m;
};

TEST_F(Metrics, CountEventsByTaskAndType) {
  for (int i = 0; i < 3; ++i) m.observe(task_stage::received, of("t.add"), {});
  m.observe(task_stage::started, of("t.add"), {});
  auto const text = m.text({"w@h", true, 1, 4});
  EXPECT_THAT(text, HasSubstr("# TYPE flower_events_total counter\n"));
  EXPECT_THAT(text, HasSubstr("flower_events_total{task=\"t.add\",worker=\"w@h\",type=\"task-received\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("flower_worker_prefetched_tasks{task=\"t.add\",worker=\"w@h\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("flower_worker_online{worker=\"w@h\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("flower_worker_number_of_currently_executing_tasks{worker=\"w@h\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lovage_events_dropped_total{worker=\"w@h\"} 4\n"));
}

TEST_F(Metrics, SortRunTimesIntoBuckets) {
  m.observe(task_stage::succeeded, of("t.add"), 5ms);
  m.observe(task_stage::succeeded, of("t.add"), 60ms);
  m.observe(task_stage::succeeded, of("t.add"), 11s);
  auto const text = m.text({"w", true, 0, 0});
  EXPECT_THAT(text, HasSubstr("_bucket{task=\"t.add\",worker=\"w\",le=\"0.005\"} 1\n"))
      << "an end belongs to its bucket";
  EXPECT_THAT(text, HasSubstr("_bucket{task=\"t.add\",worker=\"w\",le=\"0.075\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{task=\"t.add\",worker=\"w\",le=\"10\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("_bucket{task=\"t.add\",worker=\"w\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("flower_task_runtime_seconds_count{task=\"t.add\",worker=\"w\"} 3\n"));
}

TEST_F(Metrics, KeepNoNamesThatOthersMakeUp) {
  m.observe(task_stage::failed, of("made.up", false), {});
  auto const text = m.text({"w", false, 0, 0});
  EXPECT_THAT(text, HasSubstr("task=\"(unregistered)\""));
  EXPECT_THAT(text, Not(HasSubstr("made.up")));
  EXPECT_THAT(text, HasSubstr("flower_worker_online{worker=\"w\"} 0\n"));
}

TEST_F(Metrics, EscapeLabels) {
  m.observe(task_stage::received, of("a\"b\\c\nd"), {});
  EXPECT_THAT(m.text({"w", true, 0, 0}), HasSubstr("task=\"a\\\"b\\\\c\\nd\""));
}

}  // namespace
}  // namespace lovage::work
