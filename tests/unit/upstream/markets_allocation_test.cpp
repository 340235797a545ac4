#include "bridge/upstream/market_list.hpp"
#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::bridge {
namespace {

constexpr std::size_t kKiB = 1'024;

/// As long as an answer may be: `beginning`, and `more` as often as there is room for it.
std::string longest(std::string text, const std::string& more) {
  text.reserve(MarketList::kMaxBodyBytes);
  while (text.size() + more.size() <= MarketList::kMaxBodyBytes) text += more;
  return text;
}

/// What reading `body`, which is no list, takes at most.
std::size_t bytes_to_refuse(const std::string& body) {
  const test::MostHeld most;
  EXPECT_FALSE(parse_markets(body)) << body.substr(0, 40);
  return most.bytes();
}

TEST(MarketsAllocation, IsNextToNothingForWhatBeginsLikeNoList) {
  for (const auto* more : {"[", "{", "7,", "\"x\","})
    EXPECT_LT(bytes_to_refuse(longest("[", more)), kKiB) << more;
}

/// The parser's copy of what it read last, as it shows that in its message.
TEST(MarketsAllocation, IsAFewTimesTheAnswerAtMost) {
  for (const auto* more : {"[", R"({"a":)", "[[],[", "0"})
    EXPECT_LT(bytes_to_refuse(longest(R"([{"a":)", more)), 8 * MarketList::kMaxBodyBytes) << more;
  EXPECT_LT(bytes_to_refuse(longest(R"([{"symbol":")", "A")), 8 * MarketList::kMaxBodyBytes);
}

TEST(MarketsAllocation, IsThatOfAsManySymbolsAsAreBelieved) {
  std::string list = "[";
  for (std::size_t i = 0; list.size() < MarketList::kMaxBodyBytes - 100; ++i)
    list += R"({"symbol":"INVENTED_)" + std::to_string(i) + "\"},";
  list.back() = ']';
  EXPECT_LT(bytes_to_refuse(list), kMaxSymbols * 256);
}

}  // namespace
}  // namespace bpx::bridge
