#include "config/settings.hpp"

#include "config/parse_value.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace lovage::settings {
namespace {

std::string upper(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

TEST(Settings, NoSpellingMeansTwoSettings) {
  std::map<std::string, std::string> owner;
  for (auto const& row : table()) {
    std::vector<std::string> spellings{std::string{row.name}, upper(row.name), "CELERY_" + upper(row.name)};
    for (auto rest = row.old; !rest.empty();) {
      spellings.emplace_back(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(spellings.back().size() + 1, rest.size()));
    }
    for (auto const& spelling : spellings) {
      auto const [it, fresh] = owner.emplace(spelling, row.name);
      EXPECT_TRUE(fresh) << spelling << " stands for " << it->second << " and " << row.name;
      EXPECT_EQ(find_spelling(spelling), &row) << spelling;
    }
  }
}

TEST(Settings, EveryDefaultAndExampleIsAcceptedByItsOwnRow) {
  for (auto const& row : table()) {
    if (!row.in_effect) continue;
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(check(row, value{row.example}, texts::any_type)) << row.example;
    auto const initial = initial_value(row);
    EXPECT_TRUE(row.initial.empty() || !initial.is_null());
    // What is shown can be read again.
    if (!initial.is_null() && row.type != kind::routes && row.type != kind::url) {
      auto const again = check(row, value{show(row, initial)}, texts::any_type);
      ASSERT_TRUE(again) << again.error().text();
      EXPECT_EQ(*again, initial);
    }
    EXPECT_TRUE(row.text.ends_with('.')) << "a description is a sentence";
  }
}

TEST(Settings, AMisspeltNameFindsItsNeighbour) {
  struct row {
    char const *wrong, *meant;
  };
  for (auto const& [wrong, meant] :
       {row{"task_serialiser", "task_serializer"}, row{"broker_ulr", "broker_url"}, row{"BROKER_ULR", "broker_url"},
        row{"CELERY_TASK_ACK_LATE", "task_acks_late"}, row{"worker_concurency", "worker_concurrency"},
        row{"result_expire", "result_expires"}, row{"task_default_que", "task_default_queue"}, row{"zzz", ""},
        row{"", ""}}) {
    EXPECT_EQ(nearest(wrong), meant) << wrong;
  }
  EXPECT_EQ(nearest(std::string(100000, 'x')), "") << "and a hostile length costs nothing";
}

TEST(Settings, SectionsAreFirstWordsOfNames) {
  for (auto const* section : {"broker", "result", "worker", "task", "beat", "event"}) EXPECT_TRUE(is_section(section));
  for (auto const* other : {"", "tas", "task_default", "lovage", "timezone"}) EXPECT_FALSE(is_section(other)) << other;
  EXPECT_EQ(nearest_section("tasks"), "task");
  EXPECT_EQ(nearest_section("brokre"), "broker");
}

TEST(Settings, NamesOfSecretsFollowCelerysRule) {
  for (auto const* name :
       {"security_key", "redis_password", "s3_secret_access_key", "API_URL", "database_url", "my_token"}) {
    EXPECT_TRUE(is_secret(name)) << name;
  }
  for (auto const* name : {"broker_url", "task_serializer"}) EXPECT_FALSE(is_secret(name)) << name;
}

TEST(Settings, NamesOfSecretsInMapsDoNotHideEveryKey) {
  for (auto const* name : {"password", "sasl_plain_password", "api_key", "TOKEN", "secret_access_key"}) {
    EXPECT_TRUE(is_secret_member(name)) << name;
  }
  for (auto const* name : {"ssl_keyfile", "keyfile", "routing_key", "unacked_key", "global_keyprefix",
                           "socket_keepalive", "master_name"}) {
    EXPECT_FALSE(is_secret_member(name)) << name;
  }
}

TEST(Settings, TheInventoryOfCelerysSettingsIsKnown) {
  for (auto const* name : {"accept_content", "timezone", "imports", "task_annotations", "task_queues", "broker_use_ssl",
                           "broker_pool_limit", "broker_transport_options", "result_compression",
                           "redis_backend_use_ssl", "worker_state_db", "worker_logfile", "worker_proc_alive_timeout",
                           "event_queue_prefix", "control_exchange", "beat_schedule", "security_digest"}) {
    EXPECT_NE(find(name), nullptr) << name;
  }
  EXPECT_GT(table().size(), 180U);
}

}  // namespace
}  // namespace lovage::settings
