#include "tests/exchange/ledger.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace bpx::exchange {
namespace {

constexpr std::chrono::milliseconds kAtOnce{0};

SharedMessage message(const std::string& text) {
  return std::make_shared<const Message>(Message{.stream = "trade.A", .text = text});
}

TEST(Ledger, KeepsTheNewestFramesWithinItsLimit) {
  Ledger ledger(2);
  const std::vector<SharedMessage> messages{message("1"), message("2"), message("3")};
  ledger.sent(1, messages, true);
  const auto frames = ledger.sent_frames();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].text, "2");
  EXPECT_EQ(frames[1].text, "3");
  EXPECT_EQ(ledger.counters().frames_sent, 3U);
  EXPECT_EQ(ledger.counters().bytes_sent, 3U);
}

TEST(Ledger, CountsOnlyWhatWasSentWithoutError) {
  Ledger ledger(2);
  const std::vector<SharedMessage> messages{message("1")};
  ledger.sent(1, messages, false);
  EXPECT_EQ(ledger.counters().frames_sent, 0U);
  EXPECT_FALSE(ledger.sent_frames().at(0).completed);
}

TEST(Ledger, NumbersLinesOverAllThatWasSent) {
  Ledger ledger(2);
  const std::vector<SharedMessage> messages{message("1"), message(R"({"q":2})"), message("3")};
  ledger.sent(9, messages, true);
  const std::string second =
      R"({"n":1,"connection":9,"stream":"trade.A","text":"{\"q\":2}","completed":true})"
      "\n";
  EXPECT_EQ(ledger.sent_lines(0, 1), second);
  EXPECT_EQ(ledger.sent_lines(1, 1), second);
  EXPECT_EQ(ledger.sent_lines(2, 9).find(R"({"n":2,)"), 0U);
  EXPECT_EQ(ledger.sent_lines(3, 9), "");
  EXPECT_EQ(ledger.sent_lines(99, 9), "");
}

TEST(Ledger, KnowsTheSubscriptionsOfTheNewestConnectionWhileItIsOpen) {
  Ledger ledger(0);
  ledger.connected(1, false);
  ledger.subscribed(1, {"trade.A", "trade.B"});
  ledger.unsubscribed(1, {"trade.A"});
  EXPECT_TRUE(ledger.newest().subscriptions.contains("trade.B"));
  ledger.connected(2, true);
  EXPECT_TRUE(ledger.newest().subscriptions.empty());
  ledger.subscribed(1, {"trade.C"});
  ledger.subscribed(2, {"trade.D"});
  ledger.disconnected(1, 0);
  EXPECT_EQ(ledger.newest().subscriptions.size(), 1U);
  ledger.disconnected(2, 0);
  EXPECT_TRUE(ledger.newest().subscriptions.empty());
  EXPECT_EQ(ledger.counters().connections, 2U);
  EXPECT_EQ(ledger.counters().open_connections, 0U);
}

TEST(Ledger, KeepsTheCloseCodeOfTheClientThatGaveOneLast) {
  Ledger ledger(0);
  ledger.connected(1, false);
  ledger.connected(2, false);
  ledger.disconnected(1, 1000);
  ledger.disconnected(2, 0);
  EXPECT_EQ(ledger.client_close_code(), 1000);
}

TEST(Ledger, WaitsUntilTheDeadlineAndNoLonger) {
  Ledger ledger(0);
  const auto one_connection = [](const Counters& counters, const Ledger::Newest&) {
    return counters.connections == 1;
  };
  EXPECT_FALSE(ledger.wait(kAtOnce, one_connection));
  ledger.connected(1, false);
  EXPECT_TRUE(ledger.wait(kAtOnce, one_connection));
}

}  // namespace
}  // namespace bpx::exchange
