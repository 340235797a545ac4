#include "bridge/upstream/market_list.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(Markets, AreReadFromTheExchangesList) {
  EXPECT_EQ(parse_markets(R"([{"baseSymbol":"SOL","symbol":"SOL_USDC"},{"symbol":"BTC_USDC"}])"),
            (Symbols{"BTC_USDC", "SOL_USDC"}));
  EXPECT_EQ(parse_markets("[]"), Symbols{});
}

TEST(Markets, AreUnknownWhereTheAnswerIsNoList) {
  for (const auto* body : {"", "oops", "{}", "[7]", "[{}]", R"([{"symbol":7}])", "[", "null"})
    EXPECT_FALSE(parse_markets(body)) << body;
}

}  // namespace
}  // namespace bpx::bridge
