#include "cli/text_width.hpp"

#include <gtest/gtest.h>

#include "cli/text_table.hpp"

namespace lovage::cli {
namespace {

TEST(TextWidth, ChineseTakesTwoColumnsAndMarksTakeNone) {
  EXPECT_EQ(text_width("grün"), 4U);
  EXPECT_EQ(text_width("图像"), 4U);
  EXPECT_EQ(text_width("전화、ｆ"), 8U);
  EXPECT_EQ(text_width("e\u0301"), 1U);
  EXPECT_EQ(text_width("\xff\xfe"), 2U);
}

TEST(TextWidth, WhatIsFittedHasExactlyItsWidth) {
  EXPECT_EQ(fitted("abc", 5), "abc  ");
  EXPECT_EQ(fitted("abc", 5, 'r'), "  abc");
  EXPECT_EQ(fitted("abcdef", 5), "abcd…");
  EXPECT_EQ(fitted("图像处理", 8), "图像处理");
  EXPECT_EQ(fitted("图像处理", 7), "图像处…");
  EXPECT_EQ(fitted("图像处理", 6), "图像… ");
  EXPECT_EQ(fitted("abc", 0), "");
}

TEST(TextWidth, WhatCouldSteerTheTerminalIsReplaced) {
  EXPECT_EQ(fitted("a\x1b[31mb\n", 8), "a?[31mb ");
  EXPECT_EQ(fitted("\u0085\u202e\xff", 3), "???");
}

TEST(TextTable, ColumnsOfWideCharactersAlign) {
  EXPECT_EQ(format_table({"QUEUE", "READY"}, {{"图像处理", "5"}, {"mail", "12"}}, "lr"),
            "QUEUE     READY\n"
            "图像处理      5\n"
            "mail         12\n");
}

}  // namespace
}  // namespace lovage::cli
