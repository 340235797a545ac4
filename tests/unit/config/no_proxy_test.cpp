#include "bridge/config/no_proxy.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

struct Row {
  const char* host;
  const char* no_proxy;
  bool is_exempt;
};

TEST(NoProxy, IsReadAsCurlReadsIt) {
  const Row rows[] = {
      {"ws.backpack.exchange", "", false},
      {"ws.backpack.exchange", "*", true},
      {"ws.backpack.exchange", "*,x", false},
      {"ws.backpack.exchange", "*.exchange", false},
      {"ws.backpack.exchange", "ws.backpack.exchange", true},
      {"ws.backpack.exchange", "WS.Backpack.Exchange", true},
      {"ws.backpack.exchange", "backpack.exchange", true},
      {"ws.backpack.exchange", ".backpack.exchange", true},
      {"backpack.exchange", ".backpack.exchange", true},
      {"ws.backpack.exchange.", "backpack.exchange", true},
      {"ws.backpack.exchange", "backpack.exchange.", true},
      {"notbackpack.exchange", "backpack.exchange", false},
      {"exchange", "backpack.exchange", false},
      {"ws.backpack.exchange", "a.example, ,\tbackpack.exchange", true},
      {"ws.backpack.exchange", "backpack.exchange:443", false},
      {"ws.backpack.exchange", ".", false},
      {"localhost", "", false},
      {"127.0.0.1", "127.0.0.1", true},
      {"127.0.0.1", "localhost", false},
      {"127.0.0.1", "0.0.1", false},
      {"10.1.2.3", "10.0.0.0/8", true},
      {"11.1.2.3", "10.0.0.0/8", false},
      {"10.1.2.3", "10.1.2.3/32", true},
      {"10.1.2.3", "10.1.2.4/0", false},
      {"10.1.2.3", "10.0.0.0/33", false},
      {"10.1.2.3", "10.0.0.0/x", false},
      {"::1", "::1", true},
      {"::1", "0:0:0:0:0:0:0:1", true},
      {"2001:db8::7", "2001:db8::/32", true},
      {"2001:db9::7", "2001:db8::/32", false},
      {"2001:db8::7", "10.0.0.0/8", false},
      {"10.example", "10.0.0.0/8", false},
  };
  for (const auto& [host, no_proxy, expected] : rows)
    EXPECT_EQ(is_exempt(host, no_proxy), expected) << host << " by " << no_proxy;
}

}  // namespace
}  // namespace bpx::bridge
