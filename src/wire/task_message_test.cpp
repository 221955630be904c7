#include "wire/task_message.hpp"

#include "wire/serializer.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

envelope plain() {
  envelope e;
  e.content_type = "application/json";
  e.content_encoding = "utf-8";
  e.headers = {{"task", "shop.add"}, {"id", "t1"}};
  e.body = R"([[2, 3], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}])";
  return e;
}

envelope with_header(char const* key, value v) {
  auto e = plain();
  std::erase_if(e.headers, [&](value::member const& item) { return item.key == key; });
  e.headers.push_back({key, std::move(v)});
  return e;
}

envelope with_body(std::string body) {
  auto e = plain();
  e.body = std::move(body);
  return e;
}

task_message decoded(envelope const& e) {
  auto m = decode_task(e, {});
  EXPECT_TRUE(m) << m.error().text();
  return m ? *m : task_message{};
}

void expect_refused(envelope const& e, errc code, std::string_view where, std::string_view text) {
  auto const m = decode_task(e, {});
  ASSERT_FALSE(m) << where;
  EXPECT_EQ(m.error().code, code) << m.error().text();
  EXPECT_EQ(m.error().where, where) << m.error().text();
  EXPECT_NE(m.error().detail.find(text), std::string::npos) << m.error().text();
}

TEST(decode_task, needs_no_more_than_task_and_id) {
  for (auto const* body : {"[[2, 3], {}, {}]", "[[2, 3], {}, null]", R"([[2, 3], {}, {"more": 1, "chain": null}])"}) {
    auto const m = decoded(with_body(body));
    EXPECT_EQ(m.task, "shop.add");
    EXPECT_EQ(m.id, task_id{"t1"});
    EXPECT_EQ(m.args, (value::list{2, 3}));
    EXPECT_EQ(m.embed, embed{});
    EXPECT_EQ(m.retries, 0);
    EXPECT_EQ(m.protocol, 2);
  }
}

TEST(decode_task, takes_a_null_header_as_a_missing_one) {
  auto e = plain();
  for (auto const* key : {"lang", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
                          "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting",
                          "stamped_headers", "stamps", "compression"})
    e.headers.push_back({key, {}});
  EXPECT_EQ(decoded(e), decoded(plain()));
}

TEST(encode_task, leaves_ignoring_the_result_to_the_task_unless_something_is_said) {
  for (auto const& said : {value{}, value{true}, value{false}}) {
    auto m = decoded(with_header("ignore_result", said));
    auto const e = encode_task(std::move(m), {});
    ASSERT_TRUE(e) << e.error().text();
    auto const* header = find(e->headers, "ignore_result");
    ASSERT_NE(header, nullptr);
    EXPECT_EQ(*header, said);
  }
}

TEST(decode_task, reads_digits_as_retries_and_group_index) {
  EXPECT_EQ(decoded(with_header("retries", "3")).retries, 3);
  EXPECT_EQ(decoded(with_header("group_index", "12")).group_index, 12);
  expect_refused(with_header("retries", "3x"), errc::decode, "headers.retries", "no integer");
  expect_refused(with_header("retries", 1.5), errc::decode, "headers.retries", "float");
  expect_refused(with_header("group_index", value{UINT64_MAX}), errc::decode, "headers.group_index", "64 bits");
}

TEST(decode_task, reads_a_time_limit_that_is_a_pair_or_nothing) {
  auto const m = decoded(with_header("timelimit", value::list{30, 12.5}));
  EXPECT_EQ(m.hard_limit_s, 30.0);
  EXPECT_EQ(m.soft_limit_s, 12.5);
  EXPECT_FALSE(decoded(with_header("timelimit", value::list{})).hard_limit_s);
  expect_refused(with_header("timelimit", 5), errc::decode, "headers.timelimit", "int");
  expect_refused(with_header("timelimit", value::list{value{5}}), errc::decode, "headers.timelimit", "pair");
  expect_refused(with_header("timelimit", value::list{"5", {}}), errc::decode, "headers.timelimit", "str");
}

TEST(decode_task, names_the_header_that_is_missing_or_wrong) {
  auto e = plain();
  e.headers = {{"task", "shop.add"}};
  expect_refused(e, errc::decode, "headers.id", "header 'id' is missing");
  expect_refused(with_header("id", {}), errc::decode, "headers.id", "missing");
  expect_refused(with_header("id", ""), errc::decode, "headers.id", "empty");
  expect_refused(with_header("id", 7), errc::decode, "headers.id", "int, expected str");
  expect_refused(with_header("task", value::list{}), errc::decode, "headers.task", "list, expected str");
  expect_refused(with_header("eta", ""), errc::decode, "headers.eta", "empty");
  expect_refused(with_header("expires", "tomorrow"), errc::decode, "headers.expires", "ISO 8601");
  expect_refused(with_header("stamps", 1), errc::decode, "headers.stamps", "int");
}

TEST(decode_task, names_the_part_of_the_body_that_is_wrong) {
  expect_refused(with_body(""), errc::decode, "body", "empty");
  expect_refused(with_body("[[], {}]"), errc::decode, "body", "2 elements");
  expect_refused(with_body("[[], {}, {}, 1]"), errc::decode, "body", "4 elements");
  expect_refused(with_body(R"({"args": []})"), errc::decode, "body", "map");
  expect_refused(with_body("[null, {}, {}]"), errc::decode, "body.args", "null");
  expect_refused(with_body("[[], [], {}]"), errc::decode, "body.kwargs", "list");
  expect_refused(with_body("[[], {}, 5]"), errc::decode, "body.embed", "int");
  expect_refused(with_body(R"([[], {}, {"chain": 5}])"), errc::decode, "body.embed.chain", "int");
  expect_refused(with_body(R"([[], {}, {"callbacks": ["x"]}])"), errc::decode, "body.embed.callbacks", "maps");
  expect_refused(with_body(R"([[], {}, {"chord": []}])"), errc::decode, "body.embed.chord", "list");
  auto const broken = decode_task(with_body("[[2, 3"), {});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, errc::decode);
  EXPECT_FALSE(broken.error().where.empty());
}

TEST(decode_task, repairs_null_kwargs_for_which_a_python_worker_stores_no_result) {
  EXPECT_TRUE(decoded(with_body("[[1], null, {}]")).kwargs.empty());
}

TEST(decode_task, refuses_what_accept_content_does_not_name) {
  auto e = plain();
  e.content_type = "application/x-msgpack";
  expect_refused(e, errc::not_accepted, "properties.content_type", "not in accept_content (json)");
  e.content_type = "application/json; charset=utf-8";
  expect_refused(e, errc::not_accepted, "properties.content_type", "accept_content");
  e.content_type.clear();
  expect_refused(e, errc::decode, "properties.content_type", "missing");
  e = plain();
  e.content_encoding = "utf-16";
  expect_refused(e, errc::decode, "properties.content_encoding", "utf-16");
  e.content_encoding = "UTF-8";
  EXPECT_TRUE(decode_task(e, {{"application/json"}}));
  EXPECT_FALSE(decode_task(e, {{"msgpack"}}));
}

TEST(decode_task, refuses_pickle_even_when_accept_content_names_it) {
  auto e = plain();
  e.content_type = "application/x-python-serialize";
  auto const m = decode_task(e, {{"json", "pickle"}});
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, errc::not_accepted);
  EXPECT_NE(m.error().detail.find("on purpose"), std::string::npos);
  EXPECT_NE(m.error().detail.find("accept_content"), std::string::npos);
}

TEST(decode_task, reports_a_bad_compression_header) {
  expect_refused(with_header("compression", 5), errc::decode, "headers.compression", "int");
  EXPECT_FALSE(decode_task(with_header("compression", "rot13"), {}));
  EXPECT_FALSE(decode_task(with_header("compression", "zlib"), {}));  // the body is not
}

TEST(decode_task, reads_protocol_1_with_the_four_keys_it_needs) {
  auto e = with_body(R"({"task": "shop.add", "id": "t1", "args": [2], "kwargs": {"x": 1}, "taskset": "g"})");
  e.headers = {{"tenant", "acme"}};
  auto const m = decoded(e);
  EXPECT_EQ(m.protocol, 1);
  EXPECT_EQ(m.group, "g");
  EXPECT_EQ(m.kwargs, (value::map{{"x", 1}}));
  EXPECT_EQ(m.extra_headers, e.headers);
  e.body = R"({"task": "shop.add", "args": []})";
  expect_refused(e, errc::decode, "body.id", "missing");
  e.body = R"({"task": "shop.add", "id": "t", "timelimit": 3})";
  expect_refused(e, errc::decode, "body.timelimit", "int");
  e.body = R"({"id": "t1"})";
  expect_refused(e, errc::decode, "headers.task", "no task message");
}

TEST(decode_task, keeps_custom_headers_but_not_those_of_the_delivery) {
  auto const m = decoded(with_header("redelivered", true));
  EXPECT_TRUE(m.extra_headers.empty());
  EXPECT_EQ(decoded(with_header("tenant", "acme")).extra_headers, (value::map{{"tenant", "acme"}}));
}

TEST(encode_task, writes_newer_headers_only_when_one_says_something) {
  task_message m;
  m.task = "shop.add";
  m.id = task_id{"t1"};
  auto const old = encode_task(m, {});
  ASSERT_TRUE(old);
  EXPECT_EQ(find(old->headers, "stamps"), nullptr);
  EXPECT_EQ(old->properties.correlation_id, "t1");
  m.replaced_task_nesting = 1;
  auto const newer = encode_task(m, {});
  ASSERT_TRUE(newer);
  EXPECT_EQ(*find(newer->headers, "stamps"), value{value::map{}});
  EXPECT_TRUE(find(newer->headers, "stamped_headers")->is_null());
}

TEST(encode_task, gives_back_every_field_by_every_serializer_and_compression) {
  auto m = decoded(plain());
  m.eta = datetime{1'800'000'000'123'456, 3600};
  m.expires = datetime{1'900'000'000'000'000, std::nullopt};
  m.shadow = "shop.sum";
  m.group = "g";
  m.group_index = 4;
  m.retries = 2;
  m.hard_limit_s = 0.5;
  m.root_id = "r";
  m.stamped_headers = {"tenant"};
  m.stamps = {{"tenant", "acme"}};
  m.extra_headers = {{"x", value::list{1, 2}}};
  m.embed.chain.emplace();
  m.embed.callbacks.push_back(value::map{{"task", "shop.log"}});
  m.properties.correlation_id = "c";
  m.properties.expiration = "60000";
  for (auto const* serializer : {"json", "msgpack", "yaml"})
    for (auto const* compression : {"", "zlib", "bzip2", "lzma", "brotli", "zstd"}) {
      auto const e = encode_task(m, {serializer, compression, false});
      ASSERT_TRUE(e) << e.error().text();
      auto const back = decode_task(*e, {{"json", "msgpack", "yaml"}});
      ASSERT_TRUE(back) << serializer << " " << compression << ": " << back.error().text();
      EXPECT_EQ(*back, m) << serializer << " " << compression;
    }
}

// The body is what kombu writes for ([b"abc", b""], {"k": [b"\xff\x00"]}).
TEST(encode_task, gives_back_bytes_that_kombu_wrote_as_yaml) {
  auto e = with_body(
      "- - !!binary |\n    YWJj\n  - !!binary \"\"\n- k:\n  - !!binary |\n    /wA=\n"
      "- callbacks: null\n  chain: null\n  chord: null\n  errbacks: null\n");
  e.content_type = "application/x-yaml";
  auto const m = decode_task(e, {{"yaml"}});
  ASSERT_TRUE(m) << m.error().text();
  EXPECT_EQ(m->args, (value::list{bytes{"abc"}, bytes{}}));
  EXPECT_EQ(m->kwargs, (value::map{{"k", value::list{bytes{std::string{"\xff\0", 2}}}}}));
  auto const written = encode_task(*m, {"yaml", "", false});
  ASSERT_TRUE(written) << written.error().text();
  auto const back = decode_task(*written, {{"yaml"}});
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->args, m->args);
  EXPECT_EQ(back->kwargs, m->kwargs);
}

TEST(encode_task, refuses_what_would_break_the_other_side) {
  auto const refused = [](auto change, encode_options const& options = {}) {
    task_message m;
    m.task = "shop.add";
    m.id = task_id{"t1"};
    change(m);
    auto const e = encode_task(m, options);
    return e ? std::string{"accepted"} : std::string{lovage::to_string(e.error().code)} + " " + e.error().where;
  };
  EXPECT_EQ(refused([](auto& m) { m.task.clear(); }), "cannot encode headers.task");
  EXPECT_EQ(refused([](auto& m) { m.id = {}; }), "cannot encode headers.id");
  EXPECT_EQ(refused([](auto& m) { m.properties.expiration = "1.5"; }), "cannot encode properties.expiration");
  EXPECT_EQ(refused([](auto& m) { m.properties.expiration = "315360000001"; }), "cannot encode properties.expiration");
  EXPECT_EQ(refused([](auto& m) { m.extra_headers = {{"id", 1}}; }), "cannot encode headers.id");
  EXPECT_EQ(refused([](auto&) {}, {"pickle", "", false}), "cannot encode task_serializer");
  EXPECT_EQ(refused([](auto&) {}, {"json", "rot13", false}), "cannot encode task_compression");
}

}  // namespace
}  // namespace lovage::wire
