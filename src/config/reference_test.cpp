#include "config/reference.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace lovage::settings {
namespace {

TEST(SettingsPage, IsWhatTheTableSays) {
  std::string const path = LOVAGE_SOURCE_DIR "/docs/reference/settings.md";
  if (std::getenv("LOVAGE_TEST_WRITE_DOCS")) std::ofstream{path, std::ios::binary} << reference_page();
  std::ifstream in{path, std::ios::binary};
  std::string const page{std::istreambuf_iterator<char>{in}, {}};
  // Not EXPECT_EQ: the pages are long, and the remedy is all that matters.
  EXPECT_TRUE(page == reference_page())
      << path << " is stale; write it anew with\n"
      << "  LOVAGE_TEST_WRITE_DOCS=1 build/dev/bin/config_test --gtest_filter='SettingsPage.*'";
}

}  // namespace
}  // namespace lovage::settings
