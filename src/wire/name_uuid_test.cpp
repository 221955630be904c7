#include "wire/name_uuid.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

uuid const dns_space = uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8").value();

TEST(NameUuid, IsPythons) {
  EXPECT_EQ(name_uuid(dns_space, "python.org").str(), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
}

TEST(NameUuid, IsTheSameForTheSameNameInTheSameSpaceAlone) {
  EXPECT_EQ(name_uuid(dns_space, "a"), name_uuid(dns_space, "a"));
  EXPECT_NE(name_uuid(dns_space, "a"), name_uuid(dns_space, "b"));
  EXPECT_NE(name_uuid(dns_space, "a"), name_uuid(uuid{}, "a"));
}

}  // namespace
}  // namespace lovage::wire
