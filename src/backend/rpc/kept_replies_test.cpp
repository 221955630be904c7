#include "backend/rpc/kept_replies.hpp"

#include <gtest/gtest.h>

namespace lovage::backend::rpc {
namespace {

wire::result_record record(std::string id, char const* status, value result = {}) {
  wire::result_record r;
  r.id = task_id{std::move(id)};
  r.status = status;
  r.result = std::move(result);
  return r;
}

TEST(KeptReplies, AreTheNewestOfEachTask) {
  kept_replies kept{{10, 1000}};
  EXPECT_EQ(kept.find("a"), nullptr);
  EXPECT_TRUE(kept.keep(record("a", "STARTED"), 1));
  EXPECT_TRUE(kept.keep(record("a", "FAILURE"), 1));
  EXPECT_EQ(kept.find("a")->status, "FAILURE");
  EXPECT_TRUE(kept.keep(record("a", "SUCCESS", 5), 1));
  EXPECT_FALSE(kept.keep(record("a", "FAILURE"), 1)) << "a SUCCESS is final";
  EXPECT_EQ(kept.find("a")->result, value{5});
  kept.forget("a");
  kept.forget("a");
  EXPECT_EQ(kept.find("a"), nullptr);
  EXPECT_TRUE(kept.keep(record("a", "FAILURE"), 1));
}

TEST(KeptReplies, LoseTheOldestBeyondTheirNumber) {
  kept_replies kept{{3, 1000}};
  for (auto const* id : {"a", "b", "c"}) kept.keep(record(id, "STARTED"), 1);
  kept.keep(record("a", "SUCCESS"), 1);  // is news: b is the oldest now
  kept.keep(record("d", "SUCCESS"), 1);
  EXPECT_EQ(kept.find("b"), nullptr);
  for (auto const* id : {"a", "c", "d"}) EXPECT_NE(kept.find(id), nullptr) << id;
  EXPECT_EQ(kept.dropped(), 1U);
}

TEST(KeptReplies, LoseTheOldestBeyondTheirSizeButNeverTheLast) {
  kept_replies kept{{100, 10}};
  kept.keep(record("a", "SUCCESS"), 4);
  kept.keep(record("b", "SUCCESS"), 4);
  kept.forget("a");
  kept.keep(record("c", "SUCCESS"), 6);
  EXPECT_NE(kept.find("b"), nullptr);
  kept.keep(record("d", "SUCCESS"), 50);
  EXPECT_EQ(kept.find("b"), nullptr);
  EXPECT_EQ(kept.find("c"), nullptr);
  EXPECT_NE(kept.find("d"), nullptr);
}

}  // namespace
}  // namespace lovage::backend::rpc
