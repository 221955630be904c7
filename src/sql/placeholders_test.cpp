#include "sql/placeholders.hpp"

#include <gtest/gtest.h>

namespace lovage::sql {
namespace {

TEST(Placeholders, AreNumberedInTurn) { EXPECT_EQ(numbered("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)"); }

TEST(Placeholders, WhatStandsInQuotesStays) { EXPECT_EQ(numbered(R"('it''s ?' "?" ?)"), R"('it''s ?' "?" $1)"); }

}  // namespace
}  // namespace lovage::sql
