#include "backend/record_codec.hpp"

#include "backend/redis/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::backend {
namespace {

using ::testing::HasSubstr;

wire::result_record success(value result) {
  wire::result_record r;
  r.id = task_id{"t"};
  r.status = wire::state::success;
  r.result = std::move(result);
  return r;
}

record_codec codec(std::string writes, std::vector<std::string> reads) {
  settings with;
  with.serializer = std::move(writes);
  with.accept_content = std::move(reads);
  return record_codec::make(with).value();
}

TEST(RecordCodec, ReadsEveryFormWhateverItWritesItself) {
  auto const reader = codec("json", {"json", "application/x-msgpack", "yaml"});
  for (auto const* form : {"json", "msgpack", "yaml"})
    for (auto const& v : {value{5}, value{"text"}, value{value::map{{"status", "FAILURE"}}}}) {
      auto const bytes = codec(form, {}).write(success(v)).value();
      auto const read = reader.read(bytes, "t");
      ASSERT_TRUE(read) << form << ": " << read.error().text();
      EXPECT_EQ(*read, success(v)) << form;
    }
}

TEST(RecordCodec, ReadsItsOwnFormThoughNobodySaysSo) {
  auto const own = codec("msgpack", {"json"});
  EXPECT_TRUE(own.read(own.write(success(1)).value(), "t"));
}

TEST(RecordCodec, RefusesWhatIsNotAccepted) {
  auto const refused = codec("json", {"json"}).read(codec("yaml", {}).write(success(1)).value(), "t-9");
  EXPECT_EQ(refused.error().code, errc::not_accepted);
  EXPECT_THAT(refused.error().text(), HasSubstr("'yaml' to accept_content"));
  EXPECT_THAT(refused.error().text(), HasSubstr("task t-9"));
}

TEST(RecordCodec, RefusesPickleInWords) {
  auto const pickled = codec("json", {"json", "msgpack", "yaml"}).read("\x80\x04\x95\xb9", "t");
  EXPECT_EQ(pickled.error().code, errc::not_supported);
  EXPECT_THAT(pickled.error().text(), HasSubstr("'pickle'"));
  settings with;
  with.serializer = "pickle";
  EXPECT_EQ(record_codec::make(with).error().where, "result_serializer");
  with.serializer = "json";
  with.accept_content = {"json", "pickle"};
  EXPECT_EQ(record_codec::make(with).error().where, "accept_content");
}

TEST(RecordCodec, TellsBrokenBytes) {
  auto const any = codec("json", {"json", "msgpack", "yaml"});
  for (std::string const bytes : {"", "{", "\x81", "garbage", "[]", "{\"status\": 5}"})
    EXPECT_EQ(any.read(bytes, "t").error().code, errc::decode) << bytes;
}

TEST(ResultKeys, StandBehindThePrefixAsCelerySetsIt) {
  auto const key = [](value::map options) { return redis::key_names::read(options).value().result("id"); };
  EXPECT_EQ(key({}), "celery-task-meta-id");
  EXPECT_EQ(key({{"global_keyprefix", ""}}), "celery-task-meta-id");
  EXPECT_EQ(key({{"global_keyprefix", nullptr}}), "celery-task-meta-id");
  EXPECT_EQ(key({{"global_keyprefix", "p"}}), "p_celery-task-meta-id");
  for (std::string const end : {":", "_", "-", "."})
    EXPECT_EQ(key({{"global_keyprefix", "p" + end}}), "p" + end + "celery-task-meta-id");
  EXPECT_EQ(redis::key_names::read({{"global_keyprefix", 5}}).error().code, errc::bad_config);
  auto const names = redis::key_names::read({{"global_keyprefix", "p"}}).value();
  EXPECT_EQ(names.id_of(names.result("x-1")), "x-1");
  EXPECT_EQ(names.id_of("short"), "");
}

}  // namespace
}  // namespace lovage::backend
