#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <string>

namespace bpx::exchange {
namespace {

using std::chrono::milliseconds;
using WebSocketError = boost::beast::websocket::error;

/// An exchange with one client, subscribed to trade.A and depth.A.
class FaultTest : public testing::Test {
 protected:
  FaultTest() {
    client.send(subscribe_request({"trade.A", "depth.A"}));
    EXPECT_TRUE(exchange.wait_for_subscriptions(2));
  }
  static std::string trade(int number) {
    return R"({"data":)" + std::to_string(number) + R"(,"stream":"trade.A"})";
  }
  void publish_trade(int number) { exchange.publish("trade.A", std::to_string(number)); }

  /// Another, whom the faults of open connections do not befall.
  ExchangeClient newcomer() {
    ExchangeClient another(client_of(exchange));
    EXPECT_TRUE(exchange.wait_for_connections(2));
    another.send(subscribe_request({"trade.A"}));
    EXPECT_TRUE(exchange.wait_for_subscription("trade.A"));
    return another;
  }

  SimulatedExchange exchange{{}};
  ExchangeClient client{client_of(exchange)};
};

TEST_F(FaultTest, DropBreaksTheConnectionByReset) {
  exchange.apply(fault::Drop{});
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.end_reason(), boost::asio::error::connection_reset);
  EXPECT_TRUE(exchange.wait_for_open_connections(0));
}

TEST_F(FaultTest, DropBreaksTheConnectionByFinWhereToldSo) {
  exchange.apply(fault::Drop{.reset = false});
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.end_reason(), boost::asio::ssl::error::stream_truncated);
}

TEST_F(FaultTest, ANewConnectionAfterADropIsServed) {
  exchange.apply(fault::Drop{});
  ExchangeClient again(client_of(exchange));
  ASSERT_TRUE(exchange.wait_for_connections(2));
  EXPECT_TRUE(exchange.subscriptions().empty());
  again.send(subscribe_request({"trade.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  publish_trade(1);
  EXPECT_EQ(again.receive(), trade(1));
  ASSERT_TRUE(exchange.wait_for_sent(1));
  EXPECT_EQ(exchange.sent().back().connection, 2U);
}

TEST_F(FaultTest, CloseComesBehindWhatIsQueued) {
  publish_trade(1);
  exchange.apply(fault::Close{.code = 1012, .reason = "Service restart"});
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.receive(), trade(1));
  EXPECT_EQ(client.end_reason(), WebSocketError::closed);
  EXPECT_EQ(client.close_code(), 1012);
  EXPECT_EQ(client.close_reason(), "Service restart");
  EXPECT_TRUE(exchange.wait_for_open_connections(0));
  EXPECT_EQ(exchange.client_close_code(), 1012);
}

TEST_F(FaultTest, SilenceLosesDataAndKeepsAnsweringPings) {
  exchange.apply(fault::Silent{});
  publish_trade(1);
  client.ping();
  EXPECT_TRUE(client.wait_for_pongs(1));
  exchange.apply(fault::Heal{});
  publish_trade(2);
  EXPECT_EQ(client.receive(), trade(2)) << "the first is lost";
}

TEST_F(FaultTest, SilenceEndsByItself) {
  exchange.apply(fault::Silent{.duration = milliseconds(1)});
  EXPECT_TRUE(test::comes_true([&] {
    publish_trade(1);
    return client.receive(milliseconds(1)).has_value();
  }));
}

TEST_F(FaultTest, DeafnessLeavesPingsAndRequestsUnansweredAndDataFlowing) {
  exchange.apply(fault::Deaf{});
  client.ping();
  client.send(subscribe_request({"trade.B"}));
  // Each that comes has left the exchange since, which had every occasion to listen.
  for (int number = 1; number <= 100; ++number) {
    publish_trade(number);
    ASSERT_EQ(client.receive(), trade(number));
  }
  EXPECT_FALSE(client.wait_for_pongs(1, milliseconds(0)));
  EXPECT_EQ(exchange.counters().requests, 1U);
  exchange.apply(fault::Heal{});
  EXPECT_TRUE(client.wait_for_pongs(1));
  EXPECT_TRUE(exchange.wait_for_subscription("trade.B"));
}

TEST_F(FaultTest, DeafAndMuteSaysNothing) {
  exchange.apply(fault::Deaf{.mute = true});
  client.ping();
  auto another = newcomer();
  publish_trade(1);
  EXPECT_EQ(another.receive(), trade(1));
  exchange.apply(fault::Drop{.reset = false});  // which loses nothing that was sent
  EXPECT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.receive(), std::nullopt);
  EXPECT_FALSE(client.wait_for_pongs(1));
}

TEST_F(FaultTest, SkippedIdsAreNeverSent) {
  exchange.apply(fault::SkipIds{.count = 2, .stream = "trade.A"});
  for (int number = 1; number <= 4; ++number) publish_trade(number);
  EXPECT_EQ(client.receive(), trade(3));
  EXPECT_EQ(client.receive(), trade(4));
}

TEST_F(FaultTest, RepeatSendsTheLastMessageAgain) {
  publish_trade(1);
  exchange.apply(fault::Repeat{.count = 2});
  publish_trade(2);
  for (const int expected : {1, 1, 1, 2}) EXPECT_EQ(client.receive(), trade(expected));
}

TEST_F(FaultTest, RepeatOfNothingIsNothing) {
  exchange.apply(fault::Repeat{});
  publish_trade(1);
  EXPECT_EQ(client.receive(), trade(1));
}

TEST_F(FaultTest, GarbageComesAsTextOrBinary) {
  exchange.apply(fault::Garbage{});
  EXPECT_EQ(client.receive(), "not { json");
  EXPECT_FALSE(client.binary());
  exchange.apply(fault::Garbage{.text = "\xff\xfe", .layer = fault::Garbage::Layer::binary});
  EXPECT_EQ(client.receive(), "\xff\xfe");
  EXPECT_TRUE(client.binary());
}

TEST_F(FaultTest, GarbageBelowWebSocketBreaksTheProtocol) {
  publish_trade(1);
  exchange.apply(
      fault::Garbage{.text = std::string(16, '\xff'), .layer = fault::Garbage::Layer::bytes});
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.receive(), trade(1));
  EXPECT_NE(client.end_reason(), WebSocketError::closed);
}

TEST_F(FaultTest, InvalidUtf8BreaksTheProtocol) {
  exchange.send_raw("\xff");
  ASSERT_TRUE(client.wait_for_end());
  ASSERT_TRUE(exchange.wait_for_open_connections(0));
  EXPECT_EQ(exchange.client_close_code(), 1007);
}

TEST_F(FaultTest, HugeIsOneMessageOfExactlyThatSize) {
  exchange.apply(fault::Huge{.bytes = 20'000'000, .stream = "depth.A"});
  const auto message = client.receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->size(), 20'000'000U);
  EXPECT_EQ(message->substr(0, 22), R"({"data":{"padding":"xx)");
  EXPECT_TRUE(message->ends_with(R"(x"},"stream":"depth.A"})"));
}

TEST_F(FaultTest, SlowTricklesByteByByte) {
  // At an hour a byte nothing whole arrives; at none, bytes still come one by one.
  exchange.apply(fault::Slow{.per_byte = std::chrono::hours(1)});
  auto another = newcomer();
  publish_trade(1);
  EXPECT_EQ(another.receive(), trade(1));
  EXPECT_EQ(client.receive(milliseconds(0)), std::nullopt);
  exchange.apply(fault::Slow{.per_byte = std::chrono::microseconds(0)});
  publish_trade(2);
  EXPECT_EQ(client.receive(), trade(1));
  EXPECT_EQ(client.receive(), trade(2));
  exchange.apply(fault::Heal{});
  publish_trade(3);
  EXPECT_EQ(client.receive(), trade(3));
}

TEST_F(FaultTest, RefusalTurnsAwayNewConnectionsOnly) {
  exchange.apply(fault::Refuse{});
  try {
    ExchangeClient refused(client_of(exchange));
    FAIL() << "connected";
  } catch (const boost::system::system_error& error) {
    EXPECT_EQ(error.code(), boost::asio::error::connection_refused);
  }
  publish_trade(1);
  EXPECT_EQ(client.receive(), trade(1));
  exchange.apply(fault::Heal{});
  EXPECT_NO_THROW(ExchangeClient{client_of(exchange)});
}

TEST_F(FaultTest, RefusalEndsByItself) {
  exchange.apply(fault::Refuse{.duration = milliseconds(1)});
  for (int attempt = 0; exchange.connections() < 2; ++attempt) {
    ASSERT_LT(attempt, 100'000);
    try {
      ExchangeClient again(client_of(exchange));
    } catch (const boost::system::system_error& refused) {
      ASSERT_EQ(refused.code(), boost::asio::error::connection_refused);
    }
  }
}

TEST_F(FaultTest, BadCertificatesFailTheHandshakeOfNewConnections) {
  using Kind = fault::Certificate::Kind;
  for (const auto kind : {Kind::expired, Kind::wrong_host, Kind::self_signed}) {
    exchange.apply(fault::Certificate{.kind = kind});
    EXPECT_THROW(ExchangeClient{client_of(exchange)}, boost::system::system_error)
        << to_string(kind);
  }
  exchange.apply(fault::Certificate{.kind = Kind::good});
  EXPECT_NO_THROW(ExchangeClient{client_of(exchange)});
}

TEST_F(FaultTest, IgnoredRequestsAreHeardAndNothingComesOfThem) {
  exchange.apply(fault::IgnoreRequests{.count = 1});
  client.send(subscribe_request({"trade.B"}));
  client.send(subscribe_request({"trade.C"}));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.C"));
  EXPECT_EQ(exchange.subscriptions(), (std::vector<std::string>{"depth.A", "trade.A", "trade.C"}));
  EXPECT_EQ(exchange.requests().size(), 3U);
}

TEST_F(FaultTest, AMuteStreamSaysNothingUntilHealed) {
  exchange.apply(fault::MuteStream{.stream = "trade.A"});
  publish_trade(1);
  exchange.apply(fault::Heal{});
  publish_trade(2);
  EXPECT_EQ(client.receive(), trade(2));
}

TEST_F(FaultTest, RejectedSignaturesStayRejectedUntilHealed) {
  exchange.apply(fault::RejectSignatures{});
  client.send(signed_subscribe_request({"account.orderUpdate"}, now_ms()));
  EXPECT_EQ(client.receive(), R"({"id":null,"error":{"code":4003,"message":"Invalid signature"}})");
  exchange.apply(fault::Heal{});
  client.send(signed_subscribe_request({"account.orderUpdate"}, now_ms()));
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate"));
}

TEST_F(FaultTest, AShiftedClockMovesTheWindowOfSignatures) {
  exchange.apply(fault::ShiftClock{.offset = std::chrono::minutes(10)});
  client.send(signed_subscribe_request({"account.orderUpdate"}, now_ms()));
  EXPECT_EQ(client.receive(), R"({"id":null,"error":{"code":4003,"message":"Invalid signature"}})");
  client.send(signed_subscribe_request({"account.orderUpdate"}, now_ms() + 600'000));
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate"));
}

TEST_F(FaultTest, UnsolicitedFramesReachEveryone) {
  exchange.apply(fault::Unsolicited{.stream = "trade.Z", .data = "1"});
  EXPECT_EQ(client.receive(), R"({"data":1,"stream":"trade.Z"})");
}

TEST_F(FaultTest, ErrorAnswersNothing) {
  exchange.apply(fault::Error{.code = 4009, .message = "Why not"});
  EXPECT_EQ(client.receive(), R"({"id":null,"error":{"code":4009,"message":"Why not"}})");
}

TEST_F(FaultTest, ShutdownClosesEveryConnectionAndServesTheNext) {
  exchange.apply(fault::Shutdown{});
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.close_code(), 1001);
  EXPECT_NO_THROW(ExchangeClient{client_of(exchange)});
}

}  // namespace
}  // namespace bpx::exchange
