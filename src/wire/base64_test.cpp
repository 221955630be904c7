#include "wire/base64.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

TEST(Base64, IsAsTheStandardSays) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64("\xfb\xff\xfe"), "+//+");
}

TEST(Base64, IsReadAsItWasWrittenWhateverItsLength) {
  std::string data;
  for (std::size_t size = 0; size < 10'000; size += size < 8 || (size > 3'060 && size < 3'080) ? 1 : 509) {
    while (data.size() < size) data += static_cast<char>(data.size() * 37 + data.size() / 251);
    auto const text = to_base64(data);
    EXPECT_EQ(text.size(), (size + 2) / 3 * 4);
    EXPECT_EQ(from_base64(text), data) << size;
  }
}

TEST(Base64, IsAddedToWhatIsThere) {
  std::string out = "\"";
  append_base64(out, "foo");
  EXPECT_EQ(out, "\"Zm9v");
}

}  // namespace
}  // namespace lovage::wire
