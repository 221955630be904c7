// Projects on disk, and who hears that they change.
#include "cli/dev_project.hpp"
#include "cli/dev_watch.hpp"
#include "cli/session.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace lovage::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Project : public ::testing::Test {
 protected:
  Project() {
    std::string name = ::testing::TempDir() + "/lovage-dev-XXXXXX";
    root = fs::canonical(::mkdtemp(name.data()));
  }
  ~Project() override { fs::remove_all(root); }
  void write(fs::path const& file, std::string const& text = "x") const {
    fs::create_directories((root / file).parent_path());
    std::ofstream{root / file} << text;
  }
  [[nodiscard]] dev_project found(dev_wishes wishes = {}) const {
    wishes.folder = root.string();
    return find_project(wishes);
  }
  fs::path root;
};

TEST_F(Project, OfCMakeIsBuiltWhereItWasBuiltBeforeAndElseApart) {
  write("CMakeLists.txt");
  auto const fresh = found();
  EXPECT_EQ(fresh.build_folder, root / ".lovage/build");
  ASSERT_EQ(fresh.build_steps().size(), 2U);
  EXPECT_EQ(fresh.build_steps()[0][1], "-S");
  write("build/CMakeCache.txt");
  EXPECT_EQ(found().build_steps().size(), 2U) << "what failed to configure is configured again";
  write("build/build.ninja");
  auto const known = found();
  EXPECT_EQ(known.build_folder, root / "build");
  ASSERT_EQ(known.build_steps().size(), 1U);
  EXPECT_THAT(known.build_steps()[0], ::testing::Contains((root / "build").string()));
}

TEST_F(Project, CanBeBuiltInAnotherWay) {
  dev_wishes wishes;
  wishes.build_command = "make -C lib";
  EXPECT_THAT(found(wishes).build_steps(), ElementsAre(ElementsAre("/bin/sh", "-c", "make -C lib")));
}

TEST_F(Project, ThatIsNoneIsRefusedWithWhatToGive) {
  try {
    (void)found();
    FAIL() << "an empty folder is no project";
  } catch (usage_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("--init NAME"));
  }
}

TEST_F(Project, ItsPluginsAreWhatExportsTheSymbol) {
  write("CMakeLists.txt");
  write("build/CMakeCache.txt");
  write("build/libtext.so", "lovage_plugin");
  write("build/libshort.so",
        "\x7f"
        "ELF");
  EXPECT_THAT(found().plugins(), IsEmpty());
  EXPECT_FALSE(is_plugin("/proc/self/exe"));
}

TEST_F(Project, AChangedFileLooksDifferent) {
  write("a.so", "1");
  auto const before = look_of({root / "a.so"});
  EXPECT_EQ(look_of({root / "a.so"}), before);
  write("a.so", "22");
  EXPECT_NE(look_of({root / "a.so"}), before);
  EXPECT_EQ(look_of({root / "none"}), "");
}

TEST(SourceNames, AreWhatPeopleWriteForCompilers) {
  for (auto const* name : {"a.cpp", "b.hpp", "CMakeLists.txt", "lovage.toml", "x.cmake", "m.proto"})
    EXPECT_TRUE(is_source_name(name)) << name;
  for (auto const* name : {"a.cpp~", ".a.cpp.swp", "#a.cpp#", "4913", "out.log", "store.db-wal", ""})
    EXPECT_FALSE(is_source_name(name)) << name;
}

TEST_F(Project, ItsWatchTellsOfSourcesAlsoInFoldersThatCameLater) {
  write("src/a.cpp");
  auto watch = source_watch::open(root, {root / "build"}).value();
  EXPECT_THAT(watch.take(), IsEmpty());
  write("src/a.cpp", "changed");
  write("src/notes.txt");
  EXPECT_THAT(watch.take(), ElementsAre(root / "src/a.cpp"));
  write("later/deep/b.cpp");
  EXPECT_THAT(watch.take(), ElementsAre(root / "later/deep/b.cpp"));
  write("later/deep/b.cpp", "changed");
  EXPECT_THAT(watch.take(), ElementsAre(root / "later/deep/b.cpp"));
  fs::rename(root / "src/a.cpp", root / "src/c.cpp");  // as editors save
  EXPECT_THAT(watch.take(), ElementsAre(root / "src/a.cpp", root / "src/c.cpp"));
}

TEST_F(Project, ItsWatchPassesOverWhatTheBuildMakes) {
  write("build/x.cpp");
  write(".git/x.cpp");
  auto watch = source_watch::open(root, {root / "build"}).value();
  write("build/x.cpp", "made");
  write(".git/x.cpp", "made");
  EXPECT_THAT(watch.take(), IsEmpty());
}

TEST_F(Project, OneFileOfAnyNameCanBeWatchedAlone) {
  write("lib/libtasks.so");
  auto watch = source_watch::open({}, {}).value();
  ASSERT_TRUE(watch.also(root / "lib/libtasks.so"));
  write("lib/other.cpp");
  write("lib/new");
  fs::rename(root / "lib/new", root / "lib/libtasks.so");
  EXPECT_THAT(watch.take(), ElementsAre(root / "lib/libtasks.so"));
}

}  // namespace
}  // namespace lovage::cli
