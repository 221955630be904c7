#include "wire/named_uuid.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

TEST(NamedUuid, is_the_one_that_python_makes) {
  auto const url = uuid::parse("6ba7b811-9dad-11d1-80b4-00c04fd430c8").value();
  auto const dns = uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").value();
  EXPECT_EQ(named_uuid(url, "lovage").str(), "3d01ce8b-76b0-5583-a00d-0f8a58374df9");
  EXPECT_EQ(named_uuid(dns, "").str(), "4ebd0208-8328-5d69-8c44-ec50939c0967");
}

}  // namespace
}  // namespace lovage::wire
