#include "monitor/event_fields.hpp"

#include <gtest/gtest.h>

namespace lovage::monitor {
namespace {

TEST(CleanText, PutsAQuestionMarkForEachOctetThatIsNoText) {
  EXPECT_EQ(clean_text("caf\xc3\xa9", 100), "caf\xc3\xa9");
  EXPECT_EQ(clean_text("a\xff\xfe"
                       "b\xc3",
                       100),
            "a?\?b?");
  EXPECT_EQ(clean_text("\xe2\x82 \xe2\x82\xac", 100), "?? \xe2\x82\xac");
  EXPECT_EQ(clean_text("caf\xc3\xa9", 4), "caf") << "no half of a letter";
}

// Beginning anew for each of them would take hours.
TEST(CleanText, LooksAtEachOctetOnce) {
  constexpr std::size_t size = 16 << 20;
  EXPECT_EQ(clean_text(std::string(size, '\xff'), size), std::string(size, '?'));
}

}  // namespace
}  // namespace lovage::monitor
