#include "broker/revocation.hpp"

#include <gtest/gtest.h>

namespace lovage::broker {
namespace {

TEST(Revocation, comes_back_as_it_was_written) {
  time_point const t{std::chrono::microseconds{1'700'000'000'000'123}};
  for (auto const& r : {revocation{{}, "6f1c", t}, revocation{"cust omer", "1:2 3", t}, revocation{"k", "", t}})
    EXPECT_EQ(read_revocation(write_revocation(r)).value(), r) << write_revocation(r);
}

TEST(Revocation, is_refused_when_it_is_something_else) {
  for (auto const* text : {"", "12", "x 0:id", "12 3:ab", "12 -1:ab", "12 a:b"})
    EXPECT_EQ(read_revocation(text).error().code, errc::decode) << text;
}

}  // namespace
}  // namespace lovage::broker
