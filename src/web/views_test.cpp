#include "web/views.hpp"

#include "web/assets.hpp"

#include <lovage/json.hpp>

#include <gtest/gtest.h>

namespace lovage::web {
namespace {

TEST(Views, MaskedTasksShowNothingOfTheirArguments) {
  monitor::task_record t;
  t.args = "('hunter2',)", t.kwargs = "{'p': 'hunter2'}", t.result = "'hunter2'";
  t.exception = "ValueError('hunter2')", t.traceback = "hunter2";
  auto const masked = to_json(whole_task_value(t, true));
  EXPECT_EQ(masked.find("hunter2"), std::string::npos);
  EXPECT_NE(masked.find("ValueError"), std::string::npos) << "what kind of error it was may be known";
  EXPECT_NE(to_json(whole_task_value(t, false)).find("hunter2"), std::string::npos);
}

TEST(Views, AddressesOfOtherBrokersAreNotShown) {
  value const broker{value::map{{"hostname", "here"}, {"alternates", value::list{"redis://:hunter2@there"}}}};
  auto const shown = to_json(safe_stats(value{value::map{{"pid", 1}, {"broker", broker}}}));
  EXPECT_EQ(shown, R"({"pid": 1, "broker": {"hostname": "here"}})");
}

TEST(Assets, NamesWithAHashNeverChange) {
  EXPECT_TRUE(never_changes("assets/main-1A2B3C4D.js"));
  EXPECT_FALSE(never_changes("index.html"));
  EXPECT_FALSE(never_changes("assets/well-known.js"));
}

}  // namespace
}  // namespace lovage::web
