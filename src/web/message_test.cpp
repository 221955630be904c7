#include "web/message.hpp"

#include "web/router.hpp"

#include <gtest/gtest.h>

namespace lovage::web {
namespace {

TEST(Message, EscapesAreReadAndBrokenOnesStay) {
  EXPECT_EQ(percent_decoded("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%zz%4"), "%zz%4");
  EXPECT_EQ(percent_decoded("a+b"), "a+b") << "only forms write blanks so";
  EXPECT_EQ(percent_decoded("a+b", true), "a b");
}

TEST(Message, WhatIsEncodedIsDecodedAgain) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decoded(percent_encoded(all)), all);
}

TEST(Message, FormsKeepTheirOrderAndEmptyValues) {
  auto const f = decode_form("a=1&b=&c&a=2&=x");
  ASSERT_EQ(f.items().size(), 5U);
  EXPECT_EQ(f.get("a"), "1");
  EXPECT_EQ(f.items()[3], (fields::item{"a", "2"}));
  EXPECT_EQ(*f.find("c"), "");
  EXPECT_EQ(f.find("d"), nullptr);
}

TEST(Message, ACookieIsFoundByItsWholeName) {
  request r;
  r.headers.add("cookie", "other_session=1; session=abc=; x=2");
  EXPECT_EQ(cookie_of(r, "session"), "abc=");
  EXPECT_EQ(cookie_of(r, "x"), "2");
  EXPECT_EQ(cookie_of(r, "sessio"), "");
}

TEST(Message, ABodyThatIsNoObjectIsRefused) {
  request r;
  EXPECT_TRUE(json_body(r).value().empty()) << "none is an empty one";
  r.body = "[1]";
  EXPECT_EQ(json_body(r).error().code, errc::decode);
  r.body = "{\"a\": ";
  EXPECT_EQ(json_body(r).error().code, errc::decode);
  r.body = "{\"a\": 1}";
  EXPECT_EQ(json_body(r).value().front().val, value{1});
}

class Router : public ::testing::Test {
 protected:
  void add(char const* method, char const* pattern) { routes.add({.method = method, .pattern = pattern, .serve = {}}); }
  std::string pattern_of(char const* method, char const* path) {
    auto const found = routes.find(method, path);
    return found.to ? found.to->pattern : "-";
  }
  router routes;
};

TEST_F(Router, ParametersAreDecodedPartByPart) {
  add("GET", "/api/v1/workers/{name}");
  auto const found = routes.find("GET", "/api/v1/workers/w1%40host%2Fa");
  ASSERT_NE(found.to, nullptr);
  EXPECT_EQ(found.parameters.get("name"), "w1@host/a") << "an escaped slash belongs to the name";
  EXPECT_EQ(pattern_of("GET", "/api/v1/workers/a/b"), "-");
  EXPECT_EQ(pattern_of("GET", "/api/v1/workers/"), "-") << "no name";
}

TEST_F(Router, ALastParameterMayTakeSlashes) {
  add("POST", "/api/worker/shutdown/{name+}");
  EXPECT_EQ(routes.find("POST", "/api/worker/shutdown/a/b%20c").parameters.get("name"), "a/b c");
}

TEST_F(Router, TheFirstThatFitsServes) {
  add("GET", "/s/heat");
  add("GET", "/s/{name}");
  EXPECT_EQ(pattern_of("GET", "/s/heat"), "/s/heat");
  EXPECT_EQ(pattern_of("GET", "/s/heats"), "/s/{name}");
  EXPECT_EQ(pattern_of("HEAD", "/s/heat/"), "/s/heat") << "HEAD is GET, and a slash at the end is none";
}

TEST_F(Router, AWrongMethodTellsTheRightOnes) {
  add("GET", "/x");
  add("POST", "/x");
  auto const found = routes.find("DELETE", "/x");
  EXPECT_EQ(found.to, nullptr);
  EXPECT_EQ(found.allowed, "GET, POST");
  EXPECT_EQ(routes.find("GET", "/y").allowed, "");
}

}  // namespace
}  // namespace lovage::web
