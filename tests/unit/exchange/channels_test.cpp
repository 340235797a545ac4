#include "tests/exchange/channels.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::exchange {
namespace {

using Connections = std::vector<Connection*>;

/// Channels know connections only as addresses, so these need nothing behind them.
class ChannelsTest : public testing::Test {
 protected:
  static SharedMessage message(const std::string& stream, const std::string& text = "{}") {
    return std::make_shared<const Message>(Message{.stream = stream, .text = text});
  }
  Connection& first() { return reinterpret_cast<Connection&>(places_[0]); }
  Connection& second() { return reinterpret_cast<Connection&>(places_[1]); }

  Channels channels;

 private:
  alignas(std::max_align_t) char places_[2] = {};
};

TEST_F(ChannelsTest, RouteAMessageToTheSubscribersOfItsStreamOnly) {
  channels.subscribe(first(), "trade.A");
  channels.subscribe(second(), "trade.A");
  channels.subscribe(second(), "trade.B");
  EXPECT_EQ(channels.route(message("trade.A")), (Connections{&first(), &second()}));
  EXPECT_EQ(channels.route(message("trade.B")), (Connections{&second()}));
  EXPECT_TRUE(channels.route(message("trade.C")).empty());
}

TEST_F(ChannelsTest, CountASecondSubscriptionOnce) {
  channels.subscribe(first(), "trade.A");
  channels.subscribe(first(), "trade.A");
  EXPECT_EQ(channels.subscriptions(), 1U);
  EXPECT_EQ(channels.route(message("trade.A")).size(), 1U);
}

TEST_F(ChannelsTest, ForgetWhoUnsubscribesAndWhoLeaves) {
  channels.subscribe(first(), "trade.A");
  channels.subscribe(second(), "trade.A");
  channels.subscribe(second(), "trade.B");
  channels.unsubscribe(first(), "trade.A");
  channels.unsubscribe(first(), "trade.unknown");
  EXPECT_EQ(channels.route(message("trade.A")), (Connections{&second()}));
  channels.leave(second());
  EXPECT_EQ(channels.subscriptions(), 0U);
  EXPECT_TRUE(channels.route(message("trade.B")).empty());
}

TEST_F(ChannelsTest, SkipTheNextMessagesOfOneStream) {
  channels.subscribe(first(), "depth.A");
  channels.subscribe(first(), "depth.B");
  channels.skip("depth.A", 2);
  EXPECT_EQ(channels.route(message("depth.B")).size(), 1U);
  EXPECT_TRUE(channels.route(message("depth.A")).empty());
  EXPECT_TRUE(channels.route(message("depth.A")).empty());
  EXPECT_EQ(channels.route(message("depth.A")).size(), 1U);
}

TEST_F(ChannelsTest, SkipTheNextSequencedMessagesOfAnyStream) {
  channels.subscribe(first(), "ticker.A");
  channels.subscribe(first(), "trade.A");
  channels.skip("", 1);
  EXPECT_EQ(channels.route(message("ticker.A")).size(), 1U);
  EXPECT_TRUE(channels.route(message("trade.A")).empty());
  EXPECT_EQ(channels.route(message("trade.A")).size(), 1U);
}

TEST_F(ChannelsTest, SkipNoMoreWhenToldSo) {
  channels.subscribe(first(), "depth.A");
  channels.skip("", 5);
  channels.skip("depth.A", 5);
  channels.skip_nothing();
  EXPECT_EQ(channels.route(message("depth.A")).size(), 1U);
}

TEST_F(ChannelsTest, RememberTheMessageRoutedLastButNotASkippedOne) {
  EXPECT_EQ(channels.last(""), nullptr);
  channels.route(message("depth.A", "1"));
  channels.route(message("depth.B", "2"));
  channels.skip("depth.B", 1);
  channels.route(message("depth.B", "3"));
  EXPECT_EQ(channels.last("")->text, "2");
  EXPECT_EQ(channels.last("depth.A")->text, "1");
  EXPECT_EQ(channels.last("depth.C"), nullptr);
}

}  // namespace
}  // namespace bpx::exchange
