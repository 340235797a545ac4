#include "bridge/upstream/site.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

std::string field(const std::string& host, std::uint16_t port, bool is_tls) {
  return host_field({.is_tls = is_tls, .host = host, .port = port});
}

TEST(HostField, NamesThePortUnlessItIsTheSchemesOwn) {
  EXPECT_EQ(field("api.backpack.exchange", 443, true), "api.backpack.exchange");
  EXPECT_EQ(field("localhost", 80, false), "localhost");
  EXPECT_EQ(field("localhost", 443, false), "localhost:443");
  EXPECT_EQ(field("127.0.0.1", 8443, true), "127.0.0.1:8443");
}

TEST(HostField, PutsAnIpv6AddressInBrackets) {
  EXPECT_EQ(field("::1", 443, true), "[::1]");
  EXPECT_EQ(field("::1", 8080, false), "[::1]:8080");
}

}  // namespace
}  // namespace bpx::bridge
