// Everything that was captured from real Celery (tests/golden) against the wire layer, both directions.
//
// For every file: it parses with our JSON reader and is the same value after being written and read again; everything
// in it that the wire layer knows is found, decoded, encoded and compared (golden_checks.cpp says what is exempted).
// `golden_manifest.txt` lists every file with what is found in it, so that a file nobody looks at, or a find that gets
// lost, fails. Files with "-" hold what belongs to drivers (SQL tables and pickles, broker declarations, order of
// acknowledgements) or selected fields only: they are covered as JSON here and by the drivers' own tests.
#include "golden.hpp"

#include "wire/serializer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace lovage::golden {

namespace {

std::filesystem::path const golden_dir = std::filesystem::path{LOVAGE_SOURCE_DIR} / "tests" / "golden";

std::string read_file(std::filesystem::path const& path) {
  std::ifstream in{path, std::ios::binary};
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>{in}, {}};
}

struct entry {
  std::string file;
  std::string finds;  // "task=2 signature=3", or "-"
};
void PrintTo(entry const& e, std::ostream* out) { *out << e.file; }

std::vector<entry> manifest() {
  std::ifstream in{std::filesystem::path{LOVAGE_SOURCE_DIR} / "tests/conformance/golden_manifest.txt"};
  std::vector<entry> out;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    auto const blank = line.find(' ');
    out.push_back({line.substr(0, blank), line.substr(blank + 1)});
  }
  return out;
}

std::string text_of(counts const& counted) {
  std::ostringstream out;
  for (auto const& [kind, n] : counted) out << (out.tellp() > 0 ? " " : "") << kind << "=" << n;
  return counted.empty() ? "-" : out.str();
}

class golden_file : public testing::TestWithParam<entry> {};

TEST_P(golden_file, is_the_same_after_being_written_and_read_again) {
  auto const first = json(read_file(golden_dir / GetParam().file));
  auto const written = wire::to_json(first);
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_TRUE(json(*written) == first);
}

TEST_P(golden_file, holds_nothing_that_is_not_understood_and_written_back) {
  counts counted;
  walker{counted}.walk(json(read_file(golden_dir / GetParam().file)));
  EXPECT_EQ(GetParam().file + " " + text_of(counted), GetParam().file + " " + GetParam().finds);
}

INSTANTIATE_TEST_SUITE_P(all, golden_file, testing::ValuesIn(manifest()), [](auto const& test) {
  std::string name = test.param.file;
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

TEST(golden_directory, has_no_file_that_the_manifest_leaves_out) {
  std::set<std::string> there, listed;
  for (auto const& file : std::filesystem::recursive_directory_iterator{golden_dir})
    if (file.is_regular_file()) there.insert(std::filesystem::relative(file.path(), golden_dir).generic_string());
  EXPECT_EQ(there.erase("README.md"), 1u);
  for (auto const& e : manifest()) EXPECT_TRUE(listed.insert(e.file).second) << e.file << " is listed twice";
  EXPECT_EQ(there, listed);
}

TEST(golden_directory, has_the_files_that_its_index_names) {
  auto const index = json(read_file(golden_dir / "index.json"));
  for (auto const& [file, what] : *index.get_if<value::map>())
    EXPECT_TRUE(std::filesystem::exists(golden_dir / file)) << file;
}

}  // namespace

}  // namespace lovage::golden
