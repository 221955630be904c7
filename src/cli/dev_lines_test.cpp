#include "cli/dev_lines.hpp"

#include <gtest/gtest.h>

namespace lovage::cli {
namespace {

TEST(NamedLines, LinesAreCutAndNamedHoweverTheyCome) {
  named_lines of{"web", 0};
  EXPECT_EQ(of.add("one\ntw"), "web    | one\n");
  EXPECT_EQ(of.add("o\r\n\n"), "web    | two\nweb    | \n");
  EXPECT_EQ(of.rest(), "");
  EXPECT_EQ(of.add("half"), "");
  EXPECT_EQ(of.rest(), "web    | half\n");
}

TEST(NamedLines, ALineWithoutEndIsNotKeptForEver) {
  named_lines of{"worker", 0};
  EXPECT_EQ(of.add(std::string(200'000, 'x')).size(), 200'000 + std::string_view{"worker | \n"}.size());
}

TEST(NamedLines, NamesAndBadNewsAreColoured) {
  named_lines of{"worker", 36};
  EXPECT_EQ(of.add("[2026-11-30 12:00:00,000: INFO/MainProcess] x\n"),
            "\x1b[36mworker |\x1b[0m [2026-11-30 12:00:00,000: INFO/MainProcess] x\n");
  EXPECT_EQ(of.add("a.cpp:3:7: error: no\n"), "\x1b[36mworker |\x1b[0m \x1b[31ma.cpp:3:7: error: no\x1b[0m\n");
}

}  // namespace
}  // namespace lovage::cli
