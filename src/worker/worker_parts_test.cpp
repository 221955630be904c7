#include "worker/job_codec.hpp"
#include "worker/node_name.hpp"
#include "worker/shutdown.hpp"

#include <gtest/gtest.h>

namespace lovage::work {
namespace {

TEST(NodeName, FillsInTheHost) {
  EXPECT_EQ(expand_node_name("celery@%h", "a.example.org"), "celery@a.example.org");
  EXPECT_EQ(expand_node_name("w1@%n", "a.example.org"), "w1@a");
  EXPECT_EQ(expand_node_name("w1@%d", "a.example.org"), "w1@example.org");
  EXPECT_EQ(expand_node_name("w1", "box"), "w1@box");
  EXPECT_EQ(expand_node_name("50%%@x%", "box"), "50%@x%");
}

stop_state after(std::initializer_list<stop_event> events, bool soft_first = false) {
  stop_state s;
  for (auto const e : events) s = step(s, e, soft_first);
  return s;
}

TEST(Shutdown, EachQuitGoesOneRungDown) {
  EXPECT_EQ(after({stop_event::quit}, true).phase, stop_phase::soft);
  EXPECT_EQ(after({stop_event::quit, stop_event::quit}, true).phase, stop_phase::cold);
  EXPECT_EQ(after({stop_event::quit, stop_event::quit}).phase, stop_phase::hard);
  EXPECT_EQ(after({stop_event::quit, stop_event::quit, stop_event::quit}, true).phase, stop_phase::hard);
  EXPECT_EQ(exit_code(after({stop_event::quit}, true)), 1);
}

TEST(Shutdown, TheSecondInterruptIsSoftWhereThatIsAllowed) {
  EXPECT_EQ(after({stop_event::interrupt, stop_event::interrupt}, true).phase, stop_phase::soft);
  EXPECT_EQ(after({stop_event::interrupt, stop_event::interrupt, stop_event::interrupt}, true).phase, stop_phase::cold);
}

TEST(Shutdown, AHangupReloadsUnlessTheWorkerStopsAlready) {
  EXPECT_EQ(after({stop_event::hangup}).phase, stop_phase::warm);
  EXPECT_TRUE(after({stop_event::hangup}).reload);
  EXPECT_EQ(exit_code(after({stop_event::hangup})), 0);
  EXPECT_FALSE(after({stop_event::term, stop_event::hangup}).reload);
  EXPECT_TRUE(after({stop_event::hangup, stop_event::hangup}).reload);
}

TEST(Shutdown, WhoReloadsAndIsToldToEndEnds) {
  for (auto const e : {stop_event::term, stop_event::asked, stop_event::interrupt, stop_event::quit}) {
    EXPECT_FALSE(after({stop_event::hangup, e}).reload);
    EXPECT_FALSE(after({stop_event::hangup, e, stop_event::hangup}).reload);
  }
  EXPECT_EQ(exit_code(after({stop_event::hangup, stop_event::term})), 0);
}

TEST(Shutdown, TermIsWarmHoweverOften) {
  EXPECT_EQ(after({stop_event::term, stop_event::term, stop_event::term}).phase, stop_phase::warm);
  EXPECT_EQ(exit_code(after({stop_event::term})), 0);
}

TEST(Shutdown, TheSecondInterruptIsCold) {
  EXPECT_EQ(after({stop_event::interrupt}).phase, stop_phase::warm);
  EXPECT_EQ(after({stop_event::interrupt, stop_event::interrupt}).phase, stop_phase::cold);
  EXPECT_EQ(exit_code(after({stop_event::interrupt})), 1);
}

TEST(Shutdown, AfterTermTheFirstInterruptStaysWarmAndTheSecondIsCold) {
  EXPECT_EQ(after({stop_event::term, stop_event::interrupt}).phase, stop_phase::warm);
  EXPECT_EQ(after({stop_event::term, stop_event::interrupt, stop_event::interrupt}).phase, stop_phase::cold);
}

TEST(Shutdown, QuitIsColdAtOnce) {
  EXPECT_EQ(after({stop_event::quit}).phase, stop_phase::cold);
  EXPECT_EQ(after({stop_event::term, stop_event::quit}).phase, stop_phase::cold);
  EXPECT_EQ(exit_code(after({stop_event::asked_now})), 1);
  EXPECT_EQ(exit_code(after({stop_event::asked})), 0);
}

TEST(JobCodec, AJobReadsBack) {
  auto const bytes = write_job({7, "t.add", "id-1", "\x80", std::string_view{"\0\1", 2}});
  auto const job = read_job(bytes);
  EXPECT_EQ(job.job, 7U);
  EXPECT_EQ(job.task, "t.add");
  EXPECT_EQ(job.id, "id-1");
  EXPECT_EQ(job.request, "\x80");
  EXPECT_EQ(job.arguments.size(), 2U);
  EXPECT_THROW((void)read_job("\x90"), error);
}

TEST(JobCodec, AnOutcomeReadsBackAndRubbishIsAFailure) {
  auto const end = read_outcome(write_outcome({LOVAGE_RETRY, "abc"}));
  EXPECT_EQ(end.kind, LOVAGE_RETRY);
  EXPECT_EQ(end.data, "abc");
  EXPECT_EQ(read_outcome("").kind, LOVAGE_FAILURE);
  EXPECT_EQ(read_outcome("\x7f").kind, LOVAGE_FAILURE);
}

TEST(JobCodec, WhatATaskSaysReadsBack) {
  for (auto const what : {task_notice::kind::state, task_notice::kind::event}) {
    auto const n = read_notice(write_notice(what, "PROGRESS", pack(value::list{1, 2})));
    EXPECT_EQ(n.what, what);
    EXPECT_EQ(n.name, "PROGRESS");
    EXPECT_EQ(n.data, (value::list{1, 2}));
  }
  EXPECT_THROW((void)read_notice("\x90"), error);
}

}  // namespace
}  // namespace lovage::work
