#include "cli/event_text.hpp"

#include <gmock/gmock.h>

namespace lovage::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

wire::event make(char const* type, value::map fields) {
  wire::event e;
  e.type = type;
  e.hostname = "w@h";
  e.timestamp = 1'795'420'697.25;
  e.utcoffset = 0;
  e.pid = 4;
  e.clock = 9;
  e.fields = std::move(fields);
  return e;
}

TEST(EventDump, WritesLinesAsCeleryDoes) {
  event_dump d;
  EXPECT_EQ(d.line(make("worker-heartbeat", {{"freq", 2.0}, {"active", 0}, {"loadavg", value::list{0.5, 1.0}}}), 7.5),
            "w@h [2026-11-23 07:58:17.250000+00:00] heartbeat: active=0, clock=9, freq=2.0, loadavg=[0.5, 1.0], "
            "local_received=7.5, pid=4, utcoffset=0");
  EXPECT_EQ(d.line(make("task-received",
                        {{"uuid", "id-1"}, {"name", "t.add"}, {"args", "(2, 3)"}, {"kwargs", "{}"}, {"eta", {}}}),
                   7.5),
            "w@h [2026-11-23 07:58:17.250000+00:00] task received: t.add(id-1) args=(2, 3) kwargs={} clock=9, "
            "eta=None, local_received=7.5, pid=4, utcoffset=0");
  EXPECT_THAT(d.line(make("task-succeeded", {{"uuid", "id-1"}, {"result", "5"}}), 7.5),
              HasSubstr("task succeeded: t.add(id-1) args=(2, 3) kwargs={} clock=9, local_received=7.5, pid=4, "
                        "result=5, utcoffset=0"));
}

TEST(EventDump, LetsNobodyWriteToTheTerminal) {
  event_dump d;
  EXPECT_THAT(d.line(make("task-failed", {{"uuid", "x"}, {"exception", "\x1b[2J"}}), 1), Not(HasSubstr("\x1b")));
}

TEST(EventTable, ShowsWorkersAndTheNewestTasks) {
  event_table t;
  event_table::time const now{100s};
  t.add(make("worker-heartbeat", {{"freq", 2.0},
                                  {"active", 1},
                                  {"processed", 12},
                                  {"loadavg", value::list{0.5}},
                                  {"sw_ident", "lovage"},
                                  {"sw_ver", "0.1.0"}}),
        now);
  t.add(make("task-received", {{"uuid", "id-1"}, {"name", "t.add"}, {"args", "(2, 3)"}, {"kwargs", "{}"}}), now);
  t.add(make("task-succeeded", {{"uuid", "id-1"}, {"result", "5"}}), now);
  auto const shown = t.text(20, 200, now);
  EXPECT_THAT(shown, HasSubstr("1 workers, 1 tasks, 3 events"));
  EXPECT_THAT(shown, HasSubstr("w@h     online       1    12  [0.5]  lovage 0.1.0"));
  EXPECT_THAT(shown, HasSubstr("07:58:17  SUCCEEDED  t.add  id-1  w@h     5"));
  EXPECT_THAT(t.text(20, 200, now + 5s), HasSubstr("silent"));
}

TEST(EventTable, FitsTheTerminal) {
  event_table t;
  for (int i = 0; i < 3'000; ++i)
    t.add(
        make("task-received",
             {{"uuid", std::to_string(i)}, {"name", std::string(300, 'n')}, {"args", "\xc3\xa9"}, {"kwargs", "a\nb"}}),
        {});
  auto const shown = t.text(10, 40, {});
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 10);
  for (std::size_t at = 0; at < shown.size(); at = shown.find('\n', at) + 1) EXPECT_LE(shown.find('\n', at) - at, 40U);
  EXPECT_THAT(t.text(20, 80, {}), HasSubstr("1000 tasks, 3000 events")) << "older ones are forgotten";
}

}  // namespace
}  // namespace lovage::cli
