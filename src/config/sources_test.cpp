#include "config/config_access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lovage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

config read(environment const& env) {
  config out;
  config_access::apply_environment(out, env).value();
  return out;
}

TEST(Environment, SetsWhatItsVariablesName) {
  auto const c = read({{"LOVAGE_BROKER_URL", "redis://h"},
                       {"LOVAGE_WORKER_CONCURRENCY", "8"},
                       {"LOVAGE_TASK_ACKS_LATE", "off"},
                       {"LOVAGE_TASK_ROUTES", "a.*=high"},
                       {"LOVAGE_ACCEPT_CONTENT", "json,yaml"},
                       {"PATH", "/bin"}});
  EXPECT_EQ(c.broker_url(), "redis://h");
  EXPECT_EQ(c.worker_concurrency(), 8);
  EXPECT_FALSE(c.task_acks_late());
  EXPECT_THAT(c.task_routes(), ElementsAre(task_route{"a.*", "high"}));
  EXPECT_THAT(c.accept_content(), ElementsAre("json", "yaml"));
  EXPECT_EQ(c.origin("worker_concurrency"), "environment variable LOVAGE_WORKER_CONCURRENCY");
  EXPECT_TRUE(c.warnings().empty());
}

TEST(Environment, OfCeleryGivesBrokerAndBackendBelowOurOwn) {
  environment const celery{{"CELERY_BROKER_URL", "redis://c"}, {"CELERY_RESULT_BACKEND", "redis://r"}};
  EXPECT_EQ(read(celery).broker_url(), "redis://c");
  EXPECT_EQ(read(celery).origin("result_backend"), "environment variable CELERY_RESULT_BACKEND");
  auto both = celery;
  both.emplace_back("LOVAGE_BROKER_URL", "redis://l");
  EXPECT_EQ(read(both).broker_url(), "redis://l");
  EXPECT_EQ(read(both).result_backend(), "redis://r");
  auto const apart = read({{"CELERY_BROKER_READ_URL", "redis://replica"}, {"CELERY_BROKER_WRITE_URL", "redis://main"}});
  EXPECT_EQ(apart.broker_read_url(), "redis://replica");
  EXPECT_EQ(apart.broker_write_url(), "redis://main");
}

TEST(Environment, WithAnEmptyVariableIsAsWithout) {
  auto const c =
      read({{"LOVAGE_BROKER_URL", ""}, {"LOVAGE_WORKER_CONCURRENCY", ""}, {"CELERY_BROKER_URL", "redis://c"}});
  EXPECT_EQ(c.broker_url(), "redis://c");
  EXPECT_FALSE(c.is_set("worker_concurrency"));
}

TEST(Environment, WarnsOfWhatItDoesNotKnow) {
  auto const c = read({{"LOVAGE_WORKER_CONCURENCY", "8"},
                       {"LOVAGE_WORKER_DIRECT", "1"},
                       {"LOVAGE_QQQQ", "1"},
                       {"LOVAGE_worker_pool", "solo"},
                       {"LOVAGE_CONFIG", "x"},
                       {"LOVAGE_FORK_SERVER", "1"},
                       {"LOVAGE_TEST_REDIS", "1"},
                       {"LOVAGE_LOG_LEVEL", "debug"}});
  EXPECT_THAT(
      c.warnings(),
      ElementsAre("unknown environment variable LOVAGE_WORKER_CONCURENCY; did you mean LOVAGE_WORKER_CONCURRENCY?",
                  "worker_direct: known to Celery, has no effect in lovage 0.1 (environment variable "
                  "LOVAGE_WORKER_DIRECT)",
                  "unknown environment variable LOVAGE_QQQQ",
                  "unknown environment variable LOVAGE_worker_pool; did you mean LOVAGE_WORKER_POOL?"));
}

TEST(Environment, WithABadValueIsRefusedByName) {
  config c;
  auto const got = config_access::apply_environment(c, {{"LOVAGE_WORKER_CONCURRENCY", "many"}});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().text(),
            "worker_concurrency: expects an integer from 0 to 10000, such as 8; got \"many\" (environment variable "
            "LOVAGE_WORKER_CONCURRENCY)");
}

TEST(DefaultStore, LiesInTheStateDirectory) {
  EXPECT_EQ(default_store_url({{"XDG_STATE_HOME", "/state/"}, {"HOME", "/home/a"}}),
            "sqlite:////state/lovage/lovage.db");
  EXPECT_EQ(default_store_url({{"HOME", "/home/a b"}}), "sqlite:////home/a%20b/.local/state/lovage/lovage.db");
  EXPECT_EQ(default_store_url({{"XDG_STATE_HOME", "relative"}, {"HOME", ""}}), "sqlite:////var/lib/lovage/lovage.db");
  EXPECT_EQ(default_store_url({}), "sqlite:////var/lib/lovage/lovage.db");
}

TEST(FilesToTry, AreTheNamedOneOrTheUsualPlaces) {
  environment const env{{"XDG_CONFIG_HOME", "/c"}, {"HOME", "/h"}};
  auto const names = [](std::vector<file_choice> const& files) {
    std::vector<std::string> out;
    for (auto const& f : files) out.push_back((f.required ? "!" : "") + f.path);
    return out;
  };
  EXPECT_THAT(names(files_to_try("x.toml", env)), ElementsAre("!x.toml"));
  EXPECT_THAT(names(files_to_try({}, {{"LOVAGE_CONFIG", "/e.toml"}})), ElementsAre("!/e.toml"));
  EXPECT_THAT(names(files_to_try({}, env)), ElementsAre("lovage.toml", "/c/lovage/lovage.toml"));
  EXPECT_THAT(names(files_to_try({}, {{"HOME", "/h"}})), ElementsAre("lovage.toml", "/h/.config/lovage/lovage.toml"));
  EXPECT_THAT(names(files_to_try({}, {})), ElementsAre("lovage.toml"));
}

class Discovery : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lovage-config-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    here_ = name;
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(here_);
    unsetenv("LOVAGE_CONFIG");
    setenv("XDG_CONFIG_HOME", here_.c_str(), 1);
  }
  void TearDown() override {
    for (auto const* name : {"LOVAGE_WORKER_CONCURRENCY", "LOVAGE_CONFIG", "XDG_CONFIG_HOME"}) unsetenv(name);
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(here_);
  }
  static void write(std::filesystem::path const& file, std::string_view text) {
    if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << text;
  }
  std::filesystem::path here_, before_;
};

TEST_F(Discovery, PutsTheEnvironmentOverTheFile) {
  write("lovage.toml", "worker_concurrency = 2\ntask_serializer = \"yaml\"\n");
  setenv("LOVAGE_WORKER_CONCURRENCY", "3", 1);
  auto const c = config::discover();
  EXPECT_EQ(c.worker_concurrency(), 3);
  EXPECT_EQ(c.task_serializer(), "yaml");
  EXPECT_EQ(c.file(), "lovage.toml");
  EXPECT_EQ(config::from_env().task_serializer(), "json");
  EXPECT_EQ(config::load("lovage.toml").worker_concurrency(), 2);
}

TEST_F(Discovery, PrefersTheFileHereToTheOneAtHome) {
  write("lovage/lovage.toml", "worker_concurrency = 7\n");
  EXPECT_EQ(config::discover().worker_concurrency(), 7);
  write("lovage.toml", "task_acks_late = false\n");
  EXPECT_EQ(config::discover().worker_concurrency(), 0);
}

TEST_F(Discovery, OfNothingGivesDefaults) {
  auto const c = config::discover();
  EXPECT_EQ(c.file(), "");
  EXPECT_THAT(c.broker_url(), HasSubstr("sqlite:///"));
  EXPECT_EQ(c.result_backend(), c.broker_url());
}

TEST_F(Discovery, RefusesANamedFileThatIsNotThere) {
  auto const text = [](std::string const& path) {
    try {
      (void)config::discover(path);
    } catch (error const& e) {
      EXPECT_EQ(e.code(), errc::bad_config);
      return std::string{e.what()};
    }
    return std::string{"accepted"};
  };
  EXPECT_EQ(text("none.toml"), "cannot read the configuration file: No such file or directory (none.toml)");
  EXPECT_EQ(text("."), "a directory, where a TOML file is meant (.)");
  EXPECT_THAT(text("/dev/zero"), HasSubstr("256 KiB"));
  setenv("LOVAGE_CONFIG", "gone.toml", 1);
  EXPECT_THROW((void)config::discover(), error);
}

}  // namespace
}  // namespace lovage
