#include "tests/unit/exchange/market_run.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace bpx::exchange {
namespace {

constexpr const char* kPerp = "SOL_USDC_PERP";

class MarketAccountTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  MarketRun run{GetParam(), {"SOL_USDC", kPerp}};
};

TEST_P(MarketAccountTest, EveryFillIsATradeOfTheMarket) {
  std::map<std::string, nlohmann::json> trades;  // by symbol and id
  const auto key = [](const nlohmann::json& json) {
    return json["s"].get<std::string>() + json["t"].dump();
  };
  int fills = 0;
  run.advance(100'000, [&](const Frame& frame) {
    if (frame.stream.starts_with("trade.")) {
      auto trade = nlohmann::json::parse(frame.data);
      trades[key(trade)] = trade;
    }
    if (frame.stream != "account.orderUpdate") return;
    const auto update = nlohmann::json::parse(frame.data);
    if (update["e"] != "orderFill") return;
    const auto trade = trades.find(key(update));
    ASSERT_NE(trade, trades.end());
    const bool buys = update["S"] == "Bid";
    ASSERT_EQ(trade->second[buys ? "b" : "a"], update["i"]);
    ASSERT_EQ(trade->second["m"], buys) << "the account's orders are makers";
    ASSERT_EQ(trade->second["p"], update["L"]);
    ASSERT_DOUBLE_EQ(std::stod(trade->second["q"].get<std::string>()),
                     std::stod(update["l"].get<std::string>()));
    ++fills;
  });
  EXPECT_GT(fills, 100);
}

TEST_P(MarketAccountTest, OrdersAreAcceptedBeforeTheyAreFilledOrCancelled) {
  std::map<std::string, double> rest;
  int cancelled = 0;
  run.advance(100'000, [&](const Frame& frame) {
    if (frame.stream != "account.orderUpdate") return;
    const auto update = nlohmann::json::parse(frame.data);
    const std::string id = update["i"];
    const auto number = [&](const char* name) {
      return std::stod(update[name].get<std::string>());
    };
    if (update["e"] == "orderAccepted") {
      ASSERT_TRUE(rest.try_emplace(id, number("q")).second);
      return;
    }
    ASSERT_TRUE(rest.contains(id));
    if (update["e"] == "orderFill") rest[id] -= number("l");
    ASSERT_NEAR(rest[id], number("q") - number("z"), 1e-6);
    ASSERT_EQ(update["X"] == "Filled", rest[id] < 1e-6);
    if (update["X"] != "PartiallyFilled") rest.erase(id);
    if (update["e"] == "orderCancelled") ++cancelled;
  });
  EXPECT_LE(rest.size(), 2U) << "one open order for each symbol at most";
  EXPECT_GT(cancelled, 20);
}

TEST_P(MarketAccountTest, UpdatesGoToTheStreamOfTheirTypeAndToThatOfTheirSymbol) {
  std::map<std::string, std::vector<std::string>> said;
  run.advance(20'000, [&](const Frame& frame) {
    if (frame.stream.starts_with("account.")) said[frame.stream].push_back(frame.data);
  });
  EXPECT_EQ(said["account.positionUpdate"], said[std::string("account.positionUpdate.") + kPerp]);
  EXPECT_EQ(said["account.orderUpdate"].size(),
            said["account.orderUpdate.SOL_USDC"].size() +
                said[std::string("account.orderUpdate.") + kPerp].size());
  EXPECT_FALSE(said["account.positionUpdate"].empty());
  EXPECT_FALSE(said["account.balanceUpdate"].empty());
}

TEST_P(MarketAccountTest, ThePositionIsTheSumOfTheFills) {
  double sum = 0;
  int updates = 0;
  run.advance(100'000, [&](const Frame& frame) {
    if (frame.stream == std::string("account.orderUpdate.") + kPerp) {
      const auto update = nlohmann::json::parse(frame.data);
      if (update["e"] != "orderFill") return;
      sum += (update["S"] == "Bid" ? 1 : -1) * std::stod(update["l"].get<std::string>());
    } else if (frame.stream == "account.positionUpdate") {
      const auto update = nlohmann::json::parse(frame.data);
      ASSERT_NEAR(std::stod(update["q"].get<std::string>()), sum, 1e-6);
      ASSERT_EQ(update["e"] == "positionClosed", std::abs(sum) < 1e-6);
      ++updates;
    }
  });
  EXPECT_GT(updates, 50);
}

TEST_P(MarketAccountTest, BalancesLockWhatOpenOrdersNeedAndFreeItAgain) {
  std::map<std::string, double> needed;  // by order, in the quote asset
  double locked = 0;
  int compared = 0;
  run.advance(
      100'000,
      [&](const std::vector<Frame>& frames) {
        for (const Frame& frame : frames) {
          if (frame.stream == "account.orderUpdate.SOL_USDC") {
            const auto update = nlohmann::json::parse(frame.data);
            if (update["S"] != "Bid") continue;
            const auto number = [&](const char* name) {
              return std::stod(update[name].get<std::string>());
            };
            const bool is_open = update["X"] == "New" || update["X"] == "PartiallyFilled";
            needed[update["i"]] = is_open ? (number("q") - number("z")) * number("p") : 0;
          } else if (frame.stream == "account.balanceUpdate") {
            const auto update = nlohmann::json::parse(frame.data);
            ASSERT_GE(std::stod(update["A"].get<std::string>()), 0);
            if (update["a"] == "USDC") locked = std::stod(update["L"].get<std::string>());
          }
        }
        double all = 0;
        for (const auto& [id, amount] : needed) all += amount;
        ASSERT_NEAR(locked, all, 1e-4);
        std::erase_if(needed, [](const auto& order) { return order.second == 0; });
        ++compared;
      },
      [](const std::vector<Frame>&) {});
  EXPECT_EQ(compared, 100'000);
}

TEST_P(MarketAccountTest, SubscribingToPositionsTellsTheOpenOnesWithoutAnEvent) {
  nlohmann::json last;
  while (last.is_null() || last["e"] == "positionClosed") {
    run.advance(1, [&](const Frame& frame) {
      if (frame.stream == "account.positionUpdate") last = nlohmann::json::parse(frame.data);
    });
  }
  for (const std::string name :
       {"account.positionUpdate", "account.positionUpdate.SOL_USDC_PERP"}) {
    const auto frames = run.market().on_subscribed(name, run.now_us());
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(frames[0].stream, name);
    const auto told = nlohmann::json::parse(frames[0].data);
    EXPECT_FALSE(told.contains("e"));
    EXPECT_EQ(told["q"], last["q"]);
    EXPECT_EQ(told["i"], last["i"]);
  }
  EXPECT_TRUE(run.market().on_subscribed("account.positionUpdate.SOL_USDC", 0).empty());
  EXPECT_TRUE(run.market().on_subscribed("account.orderUpdate", 0).empty());
  EXPECT_TRUE(run.market().on_subscribed("trade.SOL_USDC", 0).empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, MarketAccountTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace bpx::exchange
