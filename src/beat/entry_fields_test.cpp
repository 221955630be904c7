#include "beat/entry_fields.hpp"

#include "beat/dispatcher.hpp"
#include "wire/once.hpp"

#include <gmock/gmock.h>

namespace lovage::beats {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

value::map members(value schedule, value::map more = {}) {
  value::map out{{"task", "shop.add"}, {"schedule", std::move(schedule)}};
  for (auto& item : more) out.push_back(std::move(item));
  return out;
}

std::string refusal(value const& of) {
  auto const e = entry_of_members("nightly", of);
  if (e) return "taken";
  EXPECT_EQ(e.error().code, errc::bad_config);
  return e.error().text();
}

TEST(EntryFields, schedules_are_seconds_text_or_the_fields_of_a_crontab) {
  auto const read = [](value v) { return entry_of_members("a", members(std::move(v))).value().when; };
  EXPECT_EQ(read(30), schedule{every{30s}});
  EXPECT_EQ(read(0.5), schedule{every{500ms}});
  EXPECT_EQ(read("*/5 * * * *"), schedule{crontab{"*/5 * * * *"}});
  EXPECT_EQ(read(value::map{{"minute", 0}, {"hour", value::list{8, 20}}, {"day_of_week", "mon-fri"}}),
            schedule{crontab{"0 8,20 * * mon-fri"}});
  EXPECT_EQ(read(value::map{{"event", "sunset"}, {"lat", 52.5}, {"lon", 13.4}}),
            (schedule{solar{"sunset", 52.5, 13.4}}));
}

TEST(EntryFields, options_of_the_entry_are_words_durations_and_moments) {
  auto const e = entry_of_members("a", members(30, {{"overlap", "skip"},
                                                    {"catch_up", "all"},
                                                    {"grace", "1h30m"},
                                                    {"spread", 600},
                                                    {"start", "2026-11-30T08:00:00Z"},
                                                    {"relative", true},
                                                    {"enabled", false}}))
                     .value();
  EXPECT_EQ(e.with.overlap_, overlap::skip);
  EXPECT_EQ(e.with.catch_up_, catch_up::all);
  EXPECT_EQ(e.with.grace_, 90min);
  EXPECT_EQ(e.with.spread_, 10min);
  EXPECT_TRUE(e.with.start_);
  EXPECT_FALSE(e.enabled);
}

TEST(EntryFields, what_cannot_be_is_told_with_the_entry_and_the_fix) {
  EXPECT_THAT(refusal(3), AllOf(HasSubstr("'nightly'"), HasSubstr("takes a table")));
  EXPECT_THAT(refusal(value::map{{"schedule", 30}}), HasSubstr("needs a 'task'"));
  EXPECT_THAT(refusal(value::map{{"task", "t"}}), HasSubstr("needs a 'schedule'"));
  EXPECT_THAT(refusal(members("61 * * * *")), HasSubstr("minute"));
  EXPECT_THAT(refusal(members(-1)), HasSubstr("nightly"));
  EXPECT_THAT(refusal(members(value::map{{"minutes", 1}})), HasSubstr("minutes"));
  EXPECT_THAT(refusal(members(30, {{"overlp", "skip"}})), HasSubstr("did you mean 'overlap'?"));
  EXPECT_THAT(refusal(members(30, {{"overlap", "never"}})), HasSubstr("allow, skip, queue, cancel"));
  EXPECT_THAT(refusal(members(30, {{"grace", "soon"}})), HasSubstr("'grace' is no duration"));
  EXPECT_THAT(refusal(members(30, {{"args", "x"}})), HasSubstr("'args' is a str"));
  EXPECT_THAT(refusal(members(30, {{"options", value::map{{"quue", "x"}}}})), HasSubstr("'quue'"));
  EXPECT_THAT(refusal(members(30, {{"options", value::map{{"queue", "a"}, {"exchange", "b"}}}})),
              HasSubstr("not both"));
  EXPECT_THAT(entry_of_members(std::string(201, 'x'), members(30)).error().text(), HasSubstr("1 to 200"));
  EXPECT_THAT(entry_of_members("a\nb", members(30)).error().text(), HasSubstr("control character"));
}

TEST(EntryFields, a_call_is_sent_as_it_was_given_with_its_occurrences_id) {
  auto const e = entry_of_members("a", members(30, {{"args", value::list{1, "x"}},
                                                    {"options", value::map{{"queue", "slow"}, {"expires", 60}}}}))
                     .value();
  time_point const due{1'796'025'600s};
  auto const call = call_of_occurrence({"a", due, e.call, false}).value();
  EXPECT_EQ(call.task, "shop.add");
  EXPECT_EQ(call.count, 2U);
  EXPECT_EQ(call.options.queue_, "slow");
  EXPECT_EQ(call.options.expires_in_, 60s);
  EXPECT_EQ(call.options.id_, task_id_of("a", due));
  auto const again = call_of_occurrence({"a", due, e.call, false}).value();
  auto const text = [](raw_call const& c) { return *lovage::find(c.options.headers_, wire::once_header); };
  EXPECT_NE(text(call), text(again));
}

}  // namespace
}  // namespace lovage::beats
