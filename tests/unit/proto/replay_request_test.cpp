#include "proto/replay_request.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::proto {
namespace {

using Kind = ReplayRequest::Kind;

TEST(ReplayRequest, AsksForAStreamFromASequenceOn) {
  const auto request = ReplayRequest::parse("bridge.replay/trade.SOL_USDC/1234/recorder-7");
  EXPECT_EQ(request.kind, Kind::replay);
  EXPECT_EQ(request.stream, "trade.SOL_USDC");
  EXPECT_EQ(request.from, 1234U);
}

TEST(ReplayRequest, AsksForTheNewestMessageAlone) {
  const auto request = ReplayRequest::parse("bridge.replay/kline.1m.AAPL.US_USDC/last/x");
  EXPECT_EQ(request.kind, Kind::replay);
  EXPECT_EQ(request.stream, "kline.1m.AAPL.US_USDC");
  EXPECT_FALSE(request.from);
}

TEST(ReplayRequest, AsksForABook) {
  const auto request = ReplayRequest::parse("bridge.book/depth.200ms.SOL_USDC/risk/2");
  EXPECT_EQ(request.kind, Kind::book);
  EXPECT_EQ(request.stream, "depth.200ms.SOL_USDC");
}

TEST(ReplayRequest, TakesAnyTextForTheIdThatMakesItUnique) {
  const auto prefix = std::string("bridge.replay/trade.A/0/");
  for (const auto& id : {std::string("a/b c"), std::string("|"), std::string(64, 'x'),
                         std::string("ünïque"), std::string("\x01")})
    EXPECT_EQ(ReplayRequest::parse(prefix + id).kind, Kind::replay) << id;
  std::string wide;
  for (int i = 0; i < 64; ++i) wide += "ß";
  EXPECT_EQ(ReplayRequest::parse(prefix + wide).kind, Kind::replay);
  EXPECT_EQ(ReplayRequest::parse(prefix + wide + "ß").kind, Kind::malformed);
}

TEST(ReplayRequest, LeavesOrdinarySubscriptionsAlone) {
  for (const auto* topic : {"", "trade.SOL_USDC", "bridge.status", "bridge.", "bridge.replay",
                            "bridge.book", "bridge.replays/a/1/b", "account.orderUpdate"})
    EXPECT_EQ(ReplayRequest::parse(topic).kind, Kind::none) << topic;
}

TEST(ReplayRequest, SaysWhatIsWrongWithAMalformedOne) {
  for (const auto& [topic, fault] :
       {std::pair{"bridge.replay/", "a part is missing"},
        std::pair{"bridge.replay/trade.A", "a part is missing"},
        std::pair{"bridge.replay/trade.A/1", "a part is missing"},
        std::pair{"bridge.replay/trade.A/1/", "the id is empty"},
        std::pair{"bridge.replay//1/x", "the stream has no valid name"},
        std::pair{"bridge.replay/bridge.status/1/x", "the stream has no valid name"},
        std::pair{"bridge.replay/tr ade/1/x", "the stream has no valid name"},
        std::pair{"bridge.replay/trade.A/-1/x", "from is neither a number nor `last`"},
        std::pair{"bridge.replay/trade.A/+1/x", "from is neither a number nor `last`"},
        std::pair{"bridge.replay/trade.A/1 /x", "from is neither a number nor `last`"},
        std::pair{"bridge.replay/trade.A//x", "from is neither a number nor `last`"},
        std::pair{"bridge.replay/trade.A/LAST/x", "from is neither a number nor `last`"},
        std::pair{"bridge.replay/trade.A/18446744073709551616/x",
                  "from is neither a number nor `last`"},
        std::pair{"bridge.replay/trade.A/1/\xff", "the id is not valid UTF-8"},
        std::pair{"bridge.book/depth.A", "a part is missing"},
        std::pair{"bridge.book/depth.A/", "the id is empty"}}) {
    const auto request = ReplayRequest::parse(topic);
    EXPECT_EQ(request.kind, Kind::malformed) << topic;
    EXPECT_EQ(request.fault, fault) << topic;
  }
}

}  // namespace
}  // namespace bpx::proto
