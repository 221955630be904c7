#include "config/name_pattern.hpp"

#include <gtest/gtest.h>

namespace lovage {
namespace {

bool matches(char const* pattern, std::string const& name) {
  return name_pattern::compile(pattern).value().matches(name);
}

TEST(NamePattern, IsANameAGlobOrAnExpression) {
  EXPECT_TRUE(matches("shop.add", "shop.add"));
  EXPECT_FALSE(matches("shop.add", "shopxadd"));
  EXPECT_TRUE(matches("shop.*", "shop.add.all"));
  EXPECT_FALSE(matches("shop.*", "ashop.add"));
  EXPECT_TRUE(matches("mail.sen?", "mail.send"));
  EXPECT_TRUE(matches("/(video|audio)\\./", "audio.cut"));
  EXPECT_FALSE(matches("/(video|audio)\\./", "my.audio.cut")) << "from the start on, as Python's match";
  EXPECT_FALSE(matches("/(video|audio)\\.$/", "audio.cut"));
  EXPECT_TRUE(matches("/", "/")) << "one slash is a name";
}

TEST(NamePattern, OfHostileShapeIsRefusedOrFails) {
  EXPECT_FALSE(name_pattern::compile("/[/"));
  EXPECT_FALSE(name_pattern::compile("/" + std::string(511, '(') + "/"));
  EXPECT_FALSE(name_pattern::compile("/((((a{1,999}){1,999}){1,999}){1,999})/")) << "too large a machine";
  EXPECT_FALSE(matches("/.*/", std::string(100000, 'a')));
}

}  // namespace
}  // namespace lovage
