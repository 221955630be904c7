#include "core/ids.hpp"

#include <gtest/gtest.h>

#include <set>

namespace lovage {

TEST(Ids, AreVersionFourUuidsAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    auto const id = new_task_id().str();
    ASSERT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '4');
    EXPECT_NE(std::string{"89ab"}.find(id[19]), std::string::npos);
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(Ids, UuidTextReadsBackInBothForms) {
  auto const u = random_uuid();
  EXPECT_EQ(uuid::parse(u.str()), u);
  EXPECT_EQ(uuid::parse("12345678123456781234567812345678")->str(), "12345678-1234-5678-1234-567812345678");
}

TEST(Ids, TextThatIsNoUuidIsNothing) {
  for (auto const* bad : {"", "1234", "12345678-1234-5678-1234-56781234567", "g2345678123456781234567812345678",
                          "12345678-1234-5678-1234-5678123456789", "1234-5678123456781234567812345678"})
    EXPECT_FALSE(uuid::parse(bad)) << bad;
}

TEST(Ids, TheAnonymousNameHasPidAndHost) {
  EXPECT_EQ(anonymous_name().substr(0, 3), "gen");
  EXPECT_NE(anonymous_name().find('@'), std::string::npos);
}

}  // namespace lovage
