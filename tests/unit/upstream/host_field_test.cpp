#include "bridge/upstream/host_field.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(HostField, NamesThePortUnlessItIsTheSchemesOwn) {
  EXPECT_EQ(host_field("api.backpack.exchange", 443, true), "api.backpack.exchange");
  EXPECT_EQ(host_field("localhost", 80, false), "localhost");
  EXPECT_EQ(host_field("localhost", 443, false), "localhost:443");
  EXPECT_EQ(host_field("127.0.0.1", 8443, true), "127.0.0.1:8443");
}

TEST(HostField, PutsAnIpv6AddressInBrackets) {
  EXPECT_EQ(host_field("::1", 443, true), "[::1]");
  EXPECT_EQ(host_field("::1", 8080, false), "[::1]:8080");
}

}  // namespace
}  // namespace bpx::bridge
