#include "tests/exchange/certificates.hpp"
#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"
#include "tests/support/temporary_directory.hpp"

#include <boost/beast/websocket/error.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace bpx::exchange {
namespace {

using std::chrono::milliseconds;
using WebSocketError = boost::beast::websocket::error;

/// For faults that must not happen while a test looks on.
constexpr milliseconds kNever = std::chrono::hours(1);

TEST(Connection, IsFoundAtTheUrlsPrinted) {
  SimulatedExchange exchange({});
  const std::string port = std::to_string(exchange.port());
  EXPECT_EQ(exchange.websocket_url(), "wss://localhost:" + port);
  EXPECT_EQ(exchange.rest_url(), "https://localhost:" + port);
}

TEST(Connection, HoldsForTheAddressAsForTheName) {
  SimulatedExchange exchange({.further_host_names = {"exchange.internal"}});
  for (const char* host : {"localhost", "127.0.0.1", "exchange.internal"}) {
    EXPECT_NO_THROW(
        ExchangeClient({.port = exchange.port(), .ca_pem = exchange.ca_pem(), .host = host}))
        << host;
  }
  EXPECT_THROW(
      ExchangeClient({.port = exchange.port(), .ca_pem = exchange.ca_pem(), .host = "other"}),
      boost::system::system_error);
  EXPECT_TRUE(exchange.wait_for_connections(3));
}

TEST(Connection, IsTrustedByTheAuthorityThatWasWrittenToAFile) {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "ca.pem";
  SimulatedExchange exchange({.ca_file = file});
  std::ifstream written(file);
  const std::string pem{std::istreambuf_iterator<char>(written), {}};
  EXPECT_EQ(pem, exchange.ca_pem());
  EXPECT_NO_THROW(ExchangeClient({.port = exchange.port(), .ca_pem = pem}));
}

TEST(Connection, PresentsAGivenCertificateAtEveryStart) {
  const test::TemporaryDirectory directory;
  const auto identity = CertificateAuthority::self_signed({"localhost"}, std::chrono::hours(1));
  const auto certificate = directory.write("certificate.pem", identity.certificate_pem);
  const auto key = directory.write("key.pem", identity.private_key_pem);
  for (int start = 0; start < 2; ++start) {
    SimulatedExchange exchange({.certificate_file = certificate, .private_key_file = key});
    EXPECT_NO_THROW(ExchangeClient({.port = exchange.port(), .ca_pem = identity.certificate_pem}));
  }
  const auto another = CertificateAuthority::self_signed({"localhost"}, std::chrono::hours(1));
  const auto wrong_key = directory.write("another.pem", another.private_key_pem);
  EXPECT_THROW(SimulatedExchange({.certificate_file = certificate, .private_key_file = wrong_key}),
               boost::system::system_error);
}

TEST(Connection, GoesWithoutTlsWhereToldSo) {
  SimulatedExchange exchange({.tls = false});
  EXPECT_EQ(exchange.websocket_url(), "ws://localhost:" + std::to_string(exchange.port()));
  EXPECT_EQ(exchange.ca_pem(), "");
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.publish("trade.A", "1");
  EXPECT_TRUE(client.receive());
}

TEST(Connection, CannotBeHadTwiceAtOnePort) {
  SimulatedExchange exchange({});
  EXPECT_THROW(SimulatedExchange({.port = exchange.port()}), std::system_error);
}

TEST(Connection, CompressesForThoseWhoOffer) {
  SimulatedExchange exchange({});
  ClientOptions options = client_of(exchange);
  options.offer_deflate = true;
  ExchangeClient client(options);
  EXPECT_TRUE(client.deflate_negotiated());
  ASSERT_TRUE(exchange.wait_for_connections(1));
  EXPECT_TRUE(exchange.deflate_negotiated());
  client.send(subscribe_request({"depth.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("depth.A"));
  const std::string large = '"' + std::string(300'000, 'x') + '"';
  for (const auto& data : {std::string("1"), large, std::string("2")}) {
    exchange.publish("depth.A", data);
    EXPECT_EQ(client.receive(), R"({"data":)" + data + R"(,"stream":"depth.A"})");
  }
}

TEST(Connection, DoesNotCompressUnasked) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  EXPECT_FALSE(client.deflate_negotiated());
  ASSERT_TRUE(exchange.wait_for_connections(1));
  EXPECT_FALSE(exchange.deflate_negotiated());
}

TEST(Connection, DeclinesCompressionWhereToldSo) {
  SimulatedExchange exchange({.compression = false});
  ClientOptions options = client_of(exchange);
  options.offer_deflate = true;
  EXPECT_FALSE(ExchangeClient(options).deflate_negotiated());
}

TEST(Connection, AnswersPings) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.ping();
  EXPECT_TRUE(client.wait_for_pongs(1));
  EXPECT_EQ(exchange.counters().pings_received, 1U);
}

TEST(Connection, IsPingedAtTheInterval) {
  SimulatedExchange exchange({.ping_interval = milliseconds(20)});
  ExchangeClient client(client_of(exchange));
  EXPECT_TRUE(client.wait_for_pings(3));
  EXPECT_GE(exchange.counters().pings_sent, 3U);
}

TEST(Connection, IsClosedWhenItsPongIsMissing) {
  SimulatedExchange exchange({.ping_interval = milliseconds(10),
                              .pong_timeout = milliseconds(50),
                              .close_grace = milliseconds(10)});
  ExchangeClient client(client_of(exchange));
  ASSERT_TRUE(exchange.wait_for_connections(1));
  // It does not read, so it does not answer.
  ASSERT_TRUE(exchange.wait_for_open_connections(0));
  EXPECT_EQ(exchange.counters().pong_timeouts, 1U);
  EXPECT_EQ(exchange.client_close_code(), 0);
}

TEST(Connection, IsCutWhenACloseFrameIsNotAnsweredWithinTheGrace) {
  SimulatedExchange exchange({.close_grace = milliseconds(50)});
  ExchangeClient client(client_of(exchange));
  ASSERT_TRUE(exchange.wait_for_connections(1));
  exchange.apply(fault::Close{.code = 1001, .reason = "Bye"});
  EXPECT_TRUE(exchange.wait_for_open_connections(0));
  EXPECT_EQ(exchange.client_close_code(), 0);
}

TEST(Connection, IsCutAfterTheGraceThoughTheClientReadsNothing) {
  SimulatedExchange exchange({.close_grace = milliseconds(50)});
  ExchangeClient client(client_of(exchange));
  ASSERT_TRUE(exchange.wait_for_connections(1));
  exchange.apply(fault::Huge{});
  exchange.apply(fault::Close{});
  EXPECT_TRUE(exchange.wait_for_open_connections(0));
}

TEST(Connection, EndsInOrderWhenTheClientCloses) {
  SimulatedExchange exchange({.close_grace = kNever});
  ExchangeClient client(client_of(exchange));
  client.close(1000);
  EXPECT_TRUE(exchange.wait_for_open_connections(0));
  EXPECT_EQ(exchange.client_close_code(), 1000);
}

TEST(Connection, IsCutWhenTheClientLeavesTooMuchUnread) {
  SimulatedExchange exchange({.max_queued_bytes = 1 << 20});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"depth.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("depth.A"));
  // More than any socket buffer holds: the client reads none of it.
  const std::string data = '"' + std::string(64'000, 'x') + '"';
  exchange.publish_all(std::vector<Frame>(1000, {.stream = "depth.A", .data = data}));
  EXPECT_TRUE(exchange.wait_for_open_connections(0));
  EXPECT_EQ(exchange.counters().slow_clients, 1U);
  EXPECT_TRUE(client.wait_for_end());
  EXPECT_NE(client.end_reason(), WebSocketError::closed);
}

TEST(Connection, TakesAMessageLargerThanItsBound) {
  SimulatedExchange exchange({.max_queued_bytes = 1000});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"depth.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("depth.A"));
  exchange.publish("depth.A", '"' + std::string(100'000, 'x') + '"');
  const auto message = client.receive();
  ASSERT_TRUE(message);
  EXPECT_GT(message->size(), 100'000U);
}

TEST(Connection, DeliversWhatWasSentBeforeItIsDroppedThoughTheClientSaysSomething) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"depth.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("depth.A"));
  // More than the client's system takes from the exchange's before the client reads.
  constexpr std::size_t kMessages = 40;
  const std::string data = '"' + std::string(10'000, 'x') + '"';
  exchange.publish_all(std::vector<Frame>(kMessages, {.stream = "depth.A", .data = data}));
  exchange.publish("depth.A", "\"last\"");
  ASSERT_TRUE(exchange.wait_for_sent(R"({"data":"last","stream":"depth.A"})"));
  exchange.apply(fault::Drop{.reset = false});
  ASSERT_TRUE(exchange.wait_for_open_connections(0));
  client.ping();
  for (std::size_t received = 0; received < kMessages; ++received) {
    const auto message = client.receive();
    ASSERT_TRUE(message) << received;
    EXPECT_GT(message->size(), data.size());
  }
  EXPECT_EQ(client.receive(), R"({"data":"last","stream":"depth.A"})");
  EXPECT_TRUE(client.wait_for_end());
}

TEST(Connection, FailsInTheHandshakeElsewhereThanAtTheRoot) {
  SimulatedExchange exchange({});
  EXPECT_EQ(http_exchange(client_of(exchange), "GET", "/").status, 404U);
  EXPECT_EQ(exchange.connections(), 0U);
}

TEST(Connection, EndsWithTheExchange) {
  std::optional<ExchangeClient> client;
  {
    SimulatedExchange exchange({.close_grace = kNever});
    client.emplace(client_of(exchange));
  }
  EXPECT_TRUE(client->wait_for_end());
}

TEST(Connection, ClosesInOrderWhenTheExchangeShutsDown) {
  SimulatedExchange exchange({.close_grace = milliseconds(200)});
  ExchangeClient client(client_of(exchange));
  ASSERT_TRUE(exchange.wait_for_connections(1));
  exchange.shut_down();
  EXPECT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.close_code(), 1001);
  EXPECT_THROW(ExchangeClient{client_of(exchange)}, boost::system::system_error);
}

}  // namespace
}  // namespace bpx::exchange
