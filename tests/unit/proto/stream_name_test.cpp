#include "proto/stream_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::proto {
namespace {

struct Anatomy {
  std::string_view text, type, qualifier, symbol;
  bool is_private;
};

class StreamNameForms : public testing::TestWithParam<Anatomy> {};

TEST_P(StreamNameForms, AreTakenApart) {
  const auto& expected = GetParam();
  const auto name = StreamName::parse(expected.text);
  ASSERT_TRUE(name);
  EXPECT_EQ(name->text(), expected.text);
  EXPECT_EQ(name->type(), expected.type);
  EXPECT_EQ(name->qualifier(), expected.qualifier);
  EXPECT_EQ(name->symbol(), expected.symbol);
  EXPECT_EQ(name->is_private(), expected.is_private);
}

INSTANTIATE_TEST_SUITE_P(
    OfTheExchange, StreamNameForms,
    testing::Values(
        Anatomy{"bookTicker.SOL_USDC", "bookTicker", "", "SOL_USDC", false},
        Anatomy{"bookTicker.AAPL.US_USDC", "bookTicker", "", "AAPL.US_USDC", false},
        Anatomy{"depth.SOL_USDC", "depth", "", "SOL_USDC", false},
        Anatomy{"depth.AAPL.US_USDC", "depth", "", "AAPL.US_USDC", false},
        Anatomy{"depth.200ms.SOL_USDC", "depth", "200ms", "SOL_USDC", false},
        Anatomy{"depth.600ms.AAPL.US_USDC", "depth", "600ms", "AAPL.US_USDC", false},
        Anatomy{"depth.1000ms.SOL_USDC", "depth", "1000ms", "SOL_USDC", false},
        Anatomy{"trade.SOL_USDC", "trade", "", "SOL_USDC", false},
        Anatomy{"kline.1month.SOL_USDC", "kline", "1month", "SOL_USDC", false},
        Anatomy{"ticker.SOL_USDC", "ticker", "", "SOL_USDC", false},
        Anatomy{"markPrice.SOL_USDC_PERP", "markPrice", "", "SOL_USDC_PERP", false},
        Anatomy{"openInterest.SOL_USDC_PERP", "openInterest", "", "SOL_USDC_PERP", false},
        Anatomy{"liquidation", "liquidation", "", "", false},
        Anatomy{"stockPrice.AAPL.US_USDC", "stockPrice", "", "AAPL.US_USDC", false},
        Anatomy{"account.orderUpdate", "account", "orderUpdate", "", true},
        Anatomy{"account.orderUpdate.SOL_USDC", "account", "orderUpdate", "SOL_USDC", true},
        Anatomy{"account.positionUpdate.AAPL.US_USDC", "account", "positionUpdate", "AAPL.US_USDC",
                true},
        Anatomy{"account.balanceUpdate", "account", "balanceUpdate", "", true},
        Anatomy{"notYetInvented.3d.X", "notYetInvented", "", "3d.X", false},
        Anatomy{"accountant.X", "accountant", "", "X", false},
        Anatomy{"bookTicker.caf\xc3\xa9_USDC", "bookTicker", "", "caf\xc3\xa9_USDC", false}));

TEST(StreamName, RefusesWhatCannotBeAName) {
  using namespace std::string_literals;
  for (const auto& text : {""s,
                           " "s,
                           "trade.SOL USDC"s,
                           "trade.SOL_USDC\n"s,
                           "\ttrade.X"s,
                           "trade.\0X"s,
                           "trade.X\x7f"s,
                           "trade.X\x1b[31m"s,
                           "trade.A,depth.B"s,
                           "trade.A;depth.B"s,
                           "\"trade.A\""s,
                           "'trade.A'"s,
                           "trade.\xc2\xad"
                           "A"s,
                           "trade.\xe3\x85\xa4"
                           "A"s,
                           "trade.\xf3\xa0\x80\xa1"
                           "A"s,
                           ".trade"s,
                           "trade."s,
                           "trade..X"s,
                           "."s,
                           "account"s,
                           "bridge"s,
                           "bridge.status"s,
                           "trade.\xff"s,
                           "trade.\xc2\xa0X"s,
                           "trade.\xe2\x80\xaeX"s,
                           "trade.\xe3\x80\x80X"s,
                           std::string(kMaxStreamNameBytes + 1, 'a')}) {
    EXPECT_FALSE(StreamName::parse(text)) << testing::PrintToString(text);
    EXPECT_TRUE(StreamName::fault_of(text)) << testing::PrintToString(text);
  }
  EXPECT_TRUE(StreamName::parse(std::string(kMaxStreamNameBytes, 'a')));
}

TEST(StreamName, RefusesWhateverDoesNotShow) {
  for (const auto* unseen :
       {"\u00ad",     "\u034f",     "\u061c",     "\u115f",     "\u1680",    "\u17b4",
        "\u180b",     "\u180e",     "\u200b",     "\u2028",     "\u2060",    "\u2800",
        "\u3164",     "\ufe0f",     "\ufeff",     "\uffa0",     "\ufff9",    "\U0001bca0",
        "\U0001d173", "\U000e0001", "\U000e0041", "\U000e0100", "\U000e0fff"})
    EXPECT_EQ(StreamName::fault_of("trade." + std::string(unseen) + "A"),
              "the name contains white space, a control character or one that does not show")
        << testing::PrintToString(unseen);
  for (const auto* seen : {"\u00ac", "\u00ae", "\u0301", "\u0391", "\u4e2d", "\u30a2", "\uac00",
                           "\ufffd", "\U0001f600"})
    EXPECT_FALSE(StreamName::fault_of("trade." + std::string(seen) + "A"))
        << testing::PrintToString(seen);
}

TEST(StreamName, ErrsOnTheSideOfSecrecy) {
  EXPECT_TRUE(is_private_stream("account"));
  EXPECT_TRUE(is_private_stream("account."));
  EXPECT_TRUE(is_private_stream("account.notYetInvented"));
  EXPECT_FALSE(is_private_stream("accounts.X"));
}

TEST(StreamName, TellsWhatTicksAndWhatIsKnown) {
  EXPECT_TRUE(is_ticking("bookTicker.SOL_USDC"));
  EXPECT_FALSE(is_ticking("trade.SOL_USDC"));
  for (const auto* known : {"liquidation", "account.orderUpdate", "kline.1m.SOL_USDC"})
    EXPECT_TRUE(is_of_known_type(known)) << known;
  EXPECT_FALSE(is_of_known_type("tickers.SOL_USDC"));
}

TEST(StreamName, KnowsTheBridgesOwnTopics) {
  EXPECT_TRUE(is_bridge_topic("bridge.status"));
  EXPECT_TRUE(is_bridge_topic("bridge"));
  EXPECT_FALSE(is_bridge_topic("bridges.X"));
}

TEST(Numbering, IsKnownOfDepthAndTradesAlone) {
  EXPECT_EQ(numbering_of("depth.SOL_USDC"), Numbering::updates);
  EXPECT_EQ(numbering_of("depth.200ms.SOL_USDC"), Numbering::updates);
  EXPECT_EQ(numbering_of("trade.SOL_USDC"), Numbering::trades);
  for (const auto* stream : {"bookTicker.SOL_USDC", "kline.1m.SOL_USDC", "trades.X", "liquidation"})
    EXPECT_EQ(numbering_of(stream), Numbering::none) << stream;
}

}  // namespace
}  // namespace bpx::proto
