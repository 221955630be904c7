#include "wire/serializer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

using testing::HasSubstr;

constexpr char const* methods[] = {"zlib", "bzip2", "lzma", "brotli", "zstd"};

std::string unhex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
  return out;
}
std::string noise(std::size_t n) {
  std::string out;
  std::uint32_t x = 1;
  for (; out.size() < n; x = x * 1664525 + 1013904223) out += static_cast<char>(x >> 24);
  return out;
}

TEST(compression, gives_back_what_it_took) {
  for (auto const* method : methods)
    for (auto const& data :
         {std::string{}, std::string{"[[2, 3], {}, {}]"}, std::string(300'000, 'a'), noise(100'000)}) {
      auto const packed = compress(method, data);
      ASSERT_TRUE(packed) << method;
      auto const back = decompress(method, *packed);
      ASSERT_TRUE(back) << method << ": " << back.error().text();
      EXPECT_TRUE(*back == data) << method;
    }
}

TEST(compression, reads_what_python_wrote) { EXPECT_EQ(*decompress("zlib", unhex("789cabae0500017500f9")), "{}"); }

TEST(compression, knows_aliases_and_labels) {
  for (auto const& [alias, label] :
       {std::pair{"zlib", "application/x-gzip"}, std::pair{"gzip", "application/x-gzip"},
        std::pair{"bzip", "application/x-bz2"}, std::pair{"bzip2", "application/x-bz2"},
        std::pair{"xz", "application/x-lzma"}, std::pair{"lzma", "application/x-lzma"},
        std::pair{"brotli", "application/x-brotli"}, std::pair{"zstandard", "application/zstd"},
        std::pair{"zstd", "application/zstd"}}) {
    EXPECT_EQ(compression_label(alias), label);
    EXPECT_EQ(compression_label(label), label);
    EXPECT_EQ(*decompress(label, *compress(alias, "x")), "x");
  }
  EXPECT_EQ(compression_label("lz4"), "");
  EXPECT_EQ(compress("lz4", "x").error().code, errc::encode);
  EXPECT_EQ(decompress("lz4", "x").error().code, errc::decode);
}

TEST(compression, refuses_a_real_gzip_file_in_clear_words) {
  auto const gzip = unhex(
      "1f8b0800000000000203abae0500"
      "43bfa6a302000000");
  EXPECT_THAT(decompress("gzip", gzip).error().text(), HasSubstr("a gzip file; Celery's application/x-gzip is a zlib"));
}

TEST(compression, refuses_data_that_ends_early_at_every_byte) {
  for (auto const* method : methods) {
    auto const packed = *compress(method, "some text, some text, some text, some more text");
    for (std::size_t n = 0; n < packed.size(); ++n) {
      auto const back = decompress(method, std::string_view{packed}.substr(0, n));
      ASSERT_FALSE(back) << method << " cut to " << n;
      EXPECT_EQ(back.error().code, errc::decode);
    }
  }
}

TEST(compression, refuses_trailing_bytes) {
  for (auto const* method : methods)
    EXPECT_THAT(decompress(method, *compress(method, "text") + "x").error().text(), HasSubstr("unexpected bytes after"))
        << method;
}

TEST(compression, refuses_what_is_not_compressed) {
  for (auto const* method : methods) {
    EXPECT_THAT(decompress(method, "").error().text(), HasSubstr("ends early")) << method;
    EXPECT_EQ(decompress(method, "[[2, 3], {}, {}] in plain text, not compressed").error().code, errc::decode)
        << method;
  }
}

TEST(compression, bounds_its_output) {
  std::string const zeros(8 << 20, '\0');
  for (auto const* method : methods) {
    auto const packed = *compress(method, zeros);
    EXPECT_TRUE(decompress(method, packed, zeros.size())) << method;
    EXPECT_THAT(decompress(method, packed, zeros.size() - 1).error().text(), HasSubstr("exceeds 8388607 bytes"));
    EXPECT_FALSE(decompress(method, packed, 0)) << method;
    EXPECT_TRUE(decompress(method, *compress(method, ""), 0)) << method;
  }
}

}  // namespace
}  // namespace lovage::wire
