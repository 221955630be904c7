// Tables, dead messages, log lines.
#include "cli/dead_text.hpp"
#include "cli/log_setup.hpp"
#include "cli/reopening_sink.hpp"
#include "cli/session.hpp"
#include "cli/text_table.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <spdlog/logger.h>

namespace lovage::cli {
namespace {

std::chrono::system_clock::time_point const noon{std::chrono::milliseconds{1795435200123}};  // 2026-11-23 12:00 UTC

TEST(TextTable, ColumnsAlignAndLinesHaveNoTrailingSpaces) {
  EXPECT_EQ(format_table({"QUEUE", "READY", "NOTE"}, {{"celery", "5", ""}, {"grün", "1200", "x"}}, "lrl"),
            "QUEUE   READY  NOTE\n"
            "celery      5\n"
            "grün     1200  x\n");
}

TEST(DeadText, ReasonsBecomeOneLineThatCannotSteerTheTerminal) {
  EXPECT_EQ(one_line("first\nsecond"), "first");
  EXPECT_EQ(one_line("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(one_line("aaaaaaaaaaaa", 8), "aaaaa...");
}

TEST(DeadText, AMessageNobodyCanReadIsShownAsItIs) {
  broker::dead_message dead;
  dead.id = 7;
  dead.queue = queue_name{"celery"};
  dead.envelope.content_type = "text/odd";
  dead.envelope.body = "what is this?";
  dead.reason = "cannot read it";
  EXPECT_EQ(task_of(dead.envelope), "?");
  auto const text = dead_text(dead);
  EXPECT_NE(text.find("what is this?"), text.npos);
  EXPECT_NE(text.find("text/odd"), text.npos);
}

TEST(LogLines, TextLooksAsCelerys) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(text_line(noon, log::level::info, "MainProcess", "celery@host ready."),
            "[2026-11-23 12:00:00,123: INFO/MainProcess] celery@host ready.");
}

TEST(LogLines, JsonIsOneObjectWithTheFields) {
  EXPECT_EQ(json_log_line(noon, log::level::error, "ForkPoolWorker-9", "a\nb", {{"task_id", "1"}, {"runtime", "0.25"}}),
            R"({"time": "2026-11-23T12:00:00.123000+00:00", "level": "ERROR", "process": "ForkPoolWorker-9", )"
            R"("message": "a\nb", "task_id": "1", "runtime": 0.25})");
}

TEST(LogLines, LevelsAreReadInAnyCase) {
  EXPECT_EQ(level_of("info"), log::level::info);
  EXPECT_EQ(level_of("WARN"), log::level::warning);
  EXPECT_EQ(level_of("Fatal"), log::level::critical);
  EXPECT_THROW((void)level_of("loud"), usage_error);
}

std::string contents(std::filesystem::path const& of) {
  std::ostringstream out;
  out << std::ifstream{of}.rdbuf();
  return out.str();
}

TEST(ReopeningSink, WritesToANewFileAfterTheOldOneWasMovedAway) {
  auto const dir = std::filesystem::path{testing::TempDir()} / ("lovage-log-" + std::to_string(::getpid()));
  std::filesystem::create_directories(dir);
  auto const file = dir / "worker.log";
  spdlog::logger log{"test", std::make_shared<reopening_sink>(file.string())};
  log.set_pattern("%v");
  log.info("one");
  std::filesystem::rename(file, dir / "worker.log.1");
  log.info("two");
  EXPECT_EQ(contents(dir / "worker.log.1"), "one\n");
  EXPECT_EQ(contents(file), "two\n");
  std::filesystem::remove_all(dir);
}

TEST(ReopeningSink, AFileThatCannotBeOpenedIsAnError) {
  EXPECT_THROW(reopening_sink{"/nonexistent/worker.log"}, error);
}

}  // namespace
}  // namespace lovage::cli
