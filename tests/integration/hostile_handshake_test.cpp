#include "tests/support/canned_listener.hpp"
#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
namespace fault = exchange::fault;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;

/// An answer that is not the one to be given, and words that must be said of it.
struct WrongAnswer {
  std::string name;
  std::string bytes;
  std::vector<std::string> words;
};

void PrintTo(const WrongAnswer& answer, std::ostream* os) { *os << answer.name; }

std::string http(const std::string& status, const std::string& headers = {},
                 const std::string& body = {}) {
  return "HTTP/1.1 " + status + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HostileUpgrade : public testing::TestWithParam<WrongAnswer> {};

TEST_P(HostileUpgrade, IsToldWithItsMendAndTheBridgeConnectsOnceItIsOver) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::Answer{.to = fault::Answer::To::upgrade, .bytes = GetParam().bytes});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=handshake")) << bridge.log();
  for (const auto& words : GetParam().words) EXPECT_THAT(bridge.log(), HasSubstr(words));
  EXPECT_LT(bridge.log().size(), 20'000U) << "the answer is not to be told whole";
  exchange.apply(fault::Heal{});
  EXPECT_TRUE(exchange.wait_for_subscription("trade.A")) << bridge.log();
}

INSTANTIATE_TEST_SUITE_P(
    AnsweredBy, HostileUpgrade,
    testing::Values(
        WrongAnswer{"MovedPermanently",
                    http("301 Moved Permanently", "Location: wss://elsewhere.example/ws\r\n"),
                    {"HTTP 301", "wss://elsewhere.example/ws", "upstream.url"}},
        WrongAnswer{"MovedToAnOddPlace",
                    http("302 Found", "Location: " + std::string(5'000, 'x') + "\r\n"),
                    {"HTTP 302", "upstream.url"}},
        WrongAnswer{"Unauthorized", http("401 Unauthorized"), {"HTTP 401", "address"}},
        WrongAnswer{"Forbidden", http("403 Forbidden", "", "<html>"), {"HTTP 403", "address"}},
        WrongAnswer{"NotFound", http("404 Not Found"), {"HTTP 404", "path in upstream.url"}},
        WrongAnswer{"TooManyRequests", http("429 Too Many Requests"), {"HTTP 429", "bridges"}},
        WrongAnswer{"Unavailable",
                    http("503 Service Unavailable", "", "later"),
                    {"HTTP 503", "goes on trying"}},
        WrongAnswer{"AnOrdinaryPage",
                    http("200 OK", "", "<html>hello</html>"),
                    {"HTTP 200", "upstream.url"}},
        WrongAnswer{
            "AHugeHeader",
            "HTTP/1.1 101 Switching Protocols\r\nX: " + std::string(1'000'000, 'x') + "\r\n\r\n",
            {"header limit", "upstream.url"}},
        WrongAnswer{"Something", "220 mail.example ESMTP\r\n\r\n", {"upstream.url"}},
        WrongAnswer{"TheEndOfTheConnection", "HTTP/1.1 101 Swi", {"upstream.url"}},
        WrongAnswer{"AnAcceptOfAnotherKey",
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                    "Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
                    {"upstream.url"}}),
    [](const auto& answer) { return answer.param.name; });

class HostileTime : public testing::TestWithParam<WrongAnswer> {};

TEST_P(HostileTime, LeavesTheOffsetUnknownAndDisturbsNothing) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::Answer{.to = fault::Answer::To::rest, .bytes = GetParam().bytes});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(bridge.wait_for_log("clock offset unknown")) << bridge.log();
  for (const auto& words : GetParam().words) EXPECT_THAT(bridge.log(), HasSubstr(words));
  EXPECT_EQ(bridge.metric("clock_known"), 0);
  EXPECT_EQ(bridge.metric("clock_offset_seconds"), 0);
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.publish("trade.A", "1");
  EXPECT_TRUE(consumer.next());
}

INSTANTIATE_TEST_SUITE_P(
    AnsweredBy, HostileTime,
    testing::Values(
        WrongAnswer{"ANegativeTime", http("200 OK", "", "-1788367430323"), {"is no time"}},
        WrongAnswer{"ATimeOfTheYear5000", http("200 OK", "", "95617584000000"), {"is no time"}},
        WrongAnswer{"AFraction", http("200 OK", "", "1.7e12"), {"is no time"}},
        WrongAnswer{"Nothing", http("200 OK"), {"is no time"}},
        WrongAnswer{"Json", http("200 OK", "", R"({"serverTime":1788367430323})"), {"is no time"}},
        WrongAnswer{
            "ARedirect", http("301 Moved Permanently", "Location: https://x/\r\n"), {"HTTP 301"}},
        WrongAnswer{
            "AnError", http("500 Internal Server Error", "", "1788367430323"), {"HTTP 500"}},
        WrongAnswer{
            "TenMegabytes", http("200 OK", "", std::string(10'000'000, '1')), {"body limit"}},
        WrongAnswer{"AnEndlessChunk",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n" +
                        std::string(1'000'000, '1'),
                    {"body limit"}},
        WrongAnswer{
            "AnEndlessChunkHeader",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(1'000'000, 'x'),
            {"chunk header or trailer limit"}},
        WrongAnswer{"EndlessTrailers",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " +
                        std::string(1'000'000, 'x'),
                    {"chunk header or trailer limit"}},
        WrongAnswer{"AHugeHeader",
                    "HTTP/1.1 200 OK\r\nX: " + std::string(1'000'000, 'x'),
                    {"header limit"}},
        WrongAnswer{"Garbage", std::string(1'000, '\xff'), {"detail="}}),
    [](const auto& answer) { return answer.param.name; });

TEST(HostileTls, OfAServerThatKnowsNothingNewerThanTls11IsRefused) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::TlsVersion{.kind = fault::TlsVersion::Kind::outdated});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=tls")) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("TLS 1.2"));
  EXPECT_EQ(exchange.connections(), 0U);
  exchange.apply(fault::TlsVersion{.kind = fault::TlsVersion::Kind::tls12});
  EXPECT_TRUE(exchange.wait_for_subscription("trade.A")) << bridge.log();
}

TEST(HostileTls, ThatIsNoTlsIsRefused) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  const CannedListener listener("HTTP/1.1 400 Bad Request\r\n\r\n");
  config.upstream.url = "wss://127.0.0.1:" + std::to_string(listener.port());
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=tls")) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("no TLS"));
  EXPECT_THAT(bridge.log(), HasSubstr("upstream.url"));
}

TEST(HostileTls, ThatEndsInTheMiddleOfTheHandshakeIsToldWithItsMend) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  const CannedListener listener("");
  config.upstream.url = "wss://127.0.0.1:" + std::to_string(listener.port());
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=tls")) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("upstream.url"));
}

TEST(HostileTls, IsNotNegotiatedAnewInTheMiddleOfAConnection) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::TlsVersion{.kind = fault::TlsVersion::Kind::tls12});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.apply(fault::Renegotiate{});
  exchange.publish("trade.A", "0");  // with which the server asks for it
  // OpenSSL's server takes the client's no for the end.
  const auto end = consumer.wait_for_status(R"("event":"disconnected")");
  ASSERT_TRUE(end) << bridge.log();
  EXPECT_THAT(end->payload, HasSubstr(R"("reason":"protocol")"));
  EXPECT_THAT(end->payload, HasSubstr("is refused to negotiate TLS 1.2 anew"));
  EXPECT_TRUE(bridge.wait_for_log("Check who answers at upstream.url")) << bridge.log();
  ASSERT_TRUE(exchange.wait_for_connections(2));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.publish("trade.A", "1");
  EXPECT_TRUE(consumer.next());
}

}  // namespace
}  // namespace bpx::test
