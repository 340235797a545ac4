#include "bridge/upstream/markets.hpp"

#include "proto/stream_name.hpp"

#include <gtest/gtest.h>

#include <string>

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

TEST(Markets, HaveTheirOwnSymbolsAndThoseOfNothingWithin) {
  EXPECT_EQ(parse_markets(R"([{"filters":{"symbol":"X","all":[{"symbol":"Y"},[]]},"symbol":"A",)"
                          R"("tick":0.1,"open":true,"expiry":null,"step":-1}])"),
            Symbols{"A"});
  EXPECT_FALSE(parse_markets(R"([{"filters":{"symbol":"X"}}])"));
  EXPECT_FALSE(parse_markets(R"([[{"symbol":"X"}]])"));
  EXPECT_FALSE(parse_markets(R"([{"symbol":"A"},{"symbol":["B"]}])"));
  EXPECT_FALSE(parse_markets(R"([{"symbol":"A"},{}])"));
  EXPECT_FALSE(parse_markets(R"([{"symbol":"A"}] and more)"));
}

TEST(Markets, HaveTheSymbolThatIsToldLast) {
  EXPECT_EQ(parse_markets(R"([{"symbol":7,"symbol":"A","symbol":"B"}])"), Symbols{"B"});
  EXPECT_FALSE(parse_markets(R"([{"symbol":"A","symbol":{}}])"));
}

TEST(Markets, AreUnknownWhereASymbolIsLongerThanANameOfAStream) {
  const auto list_of = [](std::size_t bytes) {
    return R"([{"symbol":")" + std::string(bytes, 'A') + R"("}])";
  };
  EXPECT_TRUE(parse_markets(list_of(proto::kMaxStreamNameBytes)));
  EXPECT_FALSE(parse_markets(list_of(proto::kMaxStreamNameBytes + 1)));
}

TEST(Markets, AreUnknownWhereThereAreTooMany) {
  std::string list = "[";
  for (std::size_t i = 0; i < kMaxSymbols; ++i)
    list += R"({"symbol":"S)" + std::to_string(i) + "\"},";
  EXPECT_EQ(parse_markets(list + R"({"symbol":"S0"}])").value_or(Symbols()).size(), kMaxSymbols);
  EXPECT_FALSE(parse_markets(list + R"({"symbol":"ONE_MORE"}])"));
}

}  // namespace
}  // namespace bpx::bridge
