#include "bridge/upstream/dialler.hpp"
#include "bridge/upstream/rest_client.hpp"
#include "tests/support/black_hole.hpp"
#include "tests/support/canned_listener.hpp"
#include "tests/support/closed_port.hpp"
#include "tests/support/connect_proxy.hpp"
#include "tests/support/loopback_listener.hpp"
#include "tests/support/running_bridge.hpp"
#include "tests/support/scripted_names.hpp"
#include "tests/support/scripted_websocket.hpp"
#include "tests/support/websocket_frames.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <charconv>
#include <ctime>
#include <string_view>
#include <thread>

/// What exchanges and what stands before them do to those who connect, and what the bridge makes
/// of it: a row each.

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
namespace fault = exchange::fault;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;

constexpr auto kLongAgo = 60s;  ///< no run that passes waits for so long

/// The number right behind the first `label` in `text`; -1 where there is none.
std::int64_t number_behind(std::string_view label, std::string_view text) {
  std::int64_t number = -1;
  if (const auto at = text.find(label); at != std::string_view::npos)
    std::from_chars(text.data() + at + label.size(), text.data() + text.size(), number);
  return number;
}

/// Of a status message; -1 where it has none.
std::int64_t retry_ms(const Message& status) {
  return number_behind("\"retry_ms\":", status.payload);
}

struct CloseRow {
  std::uint16_t code;
  bool returns_at_once;
};

void PrintTo(const CloseRow& row, std::ostream* os) { *os << row.code; }

class ClosedBy : public testing::TestWithParam<CloseRow> {};

TEST_P(ClosedBy, IsToldWithItsCodeAndComesBackWhenTheCodeSaysSo) {
  const auto& [code, returns_at_once] = GetParam();
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.backoff_initial_ms = config.upstream.backoff_max_ms = 3'600'000;
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A", kLongAgo));

  const WebSocketFrame close{.opcode = WebSocketFrame::close,
                             .payload = close_payload(code, "enough\nof it")};
  exchange.apply(fault::Garbage{.text = close.bytes(), .layer = fault::Garbage::Layer::bytes});
  const auto status = consumer.wait_for_status(R"("event":"disconnected")", kLongAgo);
  ASSERT_TRUE(status) << bridge.log();
  EXPECT_THAT(status->payload, HasSubstr(R"("reason":"closed")"));
  EXPECT_THAT(status->payload, HasSubstr(R"("code":)" + std::to_string(code)));
  EXPECT_THAT(status->payload, HasSubstr("enough of it"));
  const auto words = "close code " + std::to_string(code) + ": enough of it";
  EXPECT_TRUE(bridge.wait_for_log(words, kLongAgo)) << bridge.log();
  if (returns_at_once) {
    EXPECT_EQ(retry_ms(*status), 0);
    EXPECT_TRUE(exchange.wait_for_connections(2, kLongAgo));
  } else {
    EXPECT_GT(retry_ms(*status), 0);  // one of 3,600,001 equally likely ones is 0
  }
}

INSTANTIATE_TEST_SUITE_P(WayIn, ClosedBy,
                         testing::Values(CloseRow{1000, true}, CloseRow{1001, true},
                                         CloseRow{1012, true}, CloseRow{1008, false},
                                         CloseRow{1011, false}, CloseRow{1013, false},
                                         CloseRow{1014, false}, CloseRow{2999, false},
                                         CloseRow{4000, false}),
                         [](const auto& row) { return std::to_string(row.param.code); });

std::string http(const std::string& status, const std::string& fields = {},
                 const std::string& body = {}) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// In so many seconds, as in an HTTP header.
std::string http_date(std::chrono::seconds from_now) {
  const auto time =
      std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + from_now);
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::array<char, 64> text{};
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), size};
}

struct RefusalRow {
  std::string name;
  std::string answer;
  std::vector<std::string> words;  ///< that the log must have
  std::chrono::milliseconds retry_from;
  std::chrono::milliseconds retry_to;
};

void PrintTo(const RefusalRow& row, std::ostream* os) { *os << row.name; }

class RefusedBy : public testing::TestWithParam<RefusalRow> {};

TEST_P(RefusedBy, IsToldWithItsStatusAndItsWordsAndComesBackWhenItMay) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::Answer{.to = fault::Answer::To::upgrade, .bytes = GetParam().answer});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.backoff_initial_ms = config.upstream.backoff_max_ms = 1;
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=handshake", kLongAgo)) << bridge.log();
  for (const auto& words : GetParam().words) EXPECT_THAT(bridge.log(), HasSubstr(words));
  EXPECT_THAT(bridge.log(), Not(HasSubstr("<"))) << "mark-up is not for a log";

  const auto log = bridge.log();
  const auto failure = log.substr(log.find("connect failed"));
  const std::chrono::milliseconds retry(
      number_behind(" retry_ms=", failure.substr(0, failure.find('\n'))));
  EXPECT_GE(retry, GetParam().retry_from) << log;
  EXPECT_LE(retry, GetParam().retry_to) << log;
}

const auto kPage = std::string(
    "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body><h1>Not from there</h1></body>");

INSTANTIATE_TEST_SUITE_P(
    WayIn, RefusedBy,
    testing::Values(
        RefusalRow{"TooManyRequestsWithSeconds",
                   http("429 Too Many Requests", "Retry-After: 20\r\n", "slow down\n"),
                   {"HTTP 429", "slow down", "20 s"},
                   20s,
                   20s},
        RefusalRow{"TooManyRequestsWithADate",
                   http("429 Too Many Requests", "Retry-After: " + http_date(250s) + "\r\n"),
                   {"HTTP 429"},
                   1s,
                   250s},
        RefusalRow{"TooManyRequests", http("429 Too Many Requests"), {"HTTP 429"}, 1s, 1s},
        RefusalRow{"TooManyRequestsForAYear",
                   http("429 Too Many Requests", "Retry-After: 31536000\r\n"),
                   {"HTTP 429", "300 s"},
                   300s,
                   300s},
        RefusalRow{"Unavailable",
                   http("503 Service Unavailable", "Retry-After: 7\r\n", R"({"message":"upkeep"})"),
                   {"HTTP 503", "upkeep", "goes on trying"},
                   7s,
                   7s},
        RefusalRow{
            "UnavailableWithoutATime", http("503 Service Unavailable"), {"HTTP 503"}, 0s, 1ms},
        RefusalRow{"ForbiddenWithAPage",
                   http("403 Forbidden", "Content-Type: text/html\r\n", kPage),
                   {"HTTP 403", "403 Forbidden Not from there"},
                   1s,
                   1s},
        RefusalRow{"MovedPermanently",
                   http("301 Moved Permanently", "Location: wss://elsewhere.example/ws\r\n"),
                   {"HTTP 301", "wss://elsewhere.example/ws", "upstream.url"},
                   0s,
                   1ms}),
    [](const auto& row) { return row.param.name; });

/// Answers whoever connects with 403 and a page without end, slow or fast.
class EndlessListener {
 public:
  explicit EndlessListener(std::chrono::milliseconds pause)
      : pause_(pause), thread_([this] { serve(); }) {}
  EndlessListener(const EndlessListener&) = delete;
  EndlessListener& operator=(const EndlessListener&) = delete;
  ~EndlessListener() {
    is_over_ = true;
    ::shutdown(listener_.descriptor(), SHUT_RDWR);
    thread_.join();
  }

  std::string url() const { return "ws://127.0.0.1:" + std::to_string(listener_.port()); }

 private:
  void serve() {
    while (!is_over_) {
      const int client = listener_.accept();
      if (client < 0) continue;
      std::string words = "HTTP/1.1 403 Forbidden\r\n\r\nand on ";
      while (!is_over_ && ::send(client, words.data(), words.size(), MSG_NOSIGNAL) > 0) {
        words = "and on ";
        std::this_thread::sleep_for(pause_);
      }
      ::close(client);
    }
  }

  std::chrono::milliseconds pause_;
  std::atomic<bool> is_over_ = false;
  LoopbackListener listener_;
  std::thread thread_;
};

class RefusedWithoutEnd : public testing::TestWithParam<std::chrono::milliseconds> {};

TEST_P(RefusedWithoutEnd, IsARefusalAndNoTimeout) {
  const EndlessListener listener(GetParam());
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.url = listener.url();
  config.upstream.connect_timeout_ms = 3'600'000;
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=handshake", kLongAgo)) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("HTTP 403 (and on"));  // and as much more as came in time
}

INSTANTIATE_TEST_SUITE_P(WayIn, RefusedWithoutEnd, testing::Values(0ms, 20ms),
                         [](const auto& row) { return row.param == 0ms ? "Fast" : "Slow"; });

/// A bridge whose exchange has a name with several addresses.
class OfSeveralAddresses : public testing::Test {
 protected:
  static constexpr auto kHost = "exchange.example";

  bridge::Config config() { return test_config(exchange_, directory_, {"trade.A"}); }

  ScriptedNames names_;
  SimulatedExchange exchange_{ExchangeOptions{.host_name = kHost}};
  TemporaryDirectory directory_;
};

TEST_F(OfSeveralAddresses, OneThatAcceptsTcpButNoTlsIsPassedAndNotTriedFirstAgain) {
  names_.set(kHost, {"127.0.0.2", "127.0.0.1"});
  const LoopbackListener deaf(exchange_.port(), "127.0.0.2");
  auto config = this->config();
  config.upstream.connect_timeout_ms = 6'000;
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=timeout", kLongAgo)) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("at 127.0.0.2: no TLS within"));
  ASSERT_TRUE(exchange_.wait_for_subscription("trade.A", kLongAgo)) << bridge.log();
  const auto failed = bridge.metric(R"(upstream_connects_total{result="timeout"})");
  for (std::size_t connection = 2; connection < 5; ++connection) {
    exchange_.publish("trade.A", "{}");
    ASSERT_TRUE(bridge.wait_for_metric(R"(received_messages_total{stream="trade.A"})",
                                       static_cast<double>(connection - 1)));
    exchange_.apply(fault::Drop{});
    ASSERT_TRUE(exchange_.wait_for_connections(connection, kLongAgo)) << bridge.log();
    ASSERT_TRUE(exchange_.wait_for_subscription("trade.A", kLongAgo)) << bridge.log();
  }
  EXPECT_EQ(bridge.metric(R"(upstream_connects_total{result="timeout"})"), failed)
      << "it begins with the one that worked last";
}

TEST_F(OfSeveralAddresses, OneThatRefusesOrIsDeadCostsNoAttempt) {
  names_.set(kHost, {"127.0.0.3", "2001:db8::1", "127.0.0.2", "127.0.0.1"});
  const BlackHole hole(exchange_.port(), "127.0.0.3");
  RunningBridge bridge(config());
  ASSERT_TRUE(exchange_.wait_for_subscription("trade.A", kLongAgo)) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_log("clock offset offset_ms", kLongAgo)) << bridge.log();
  EXPECT_EQ(bridge.log().find("connect failed"), std::string::npos) << bridge.log();
}

/// Silent, or gone, behind a handshake as it should be.
class OfSeveralAddressesOne : public OfSeveralAddresses,
                              public testing::WithParamInterface<bool> {};

TEST_P(OfSeveralAddressesOne, ThatGreetsAndBringsNothingIsNotTriedFirstAgain) {
  const bool hangs_up = GetParam();
  SimulatedExchange plain(ExchangeOptions{.tls = false});
  ScriptedWebSocket broken(plain.port(), "127.0.0.2");
  const auto port = std::to_string(plain.port());
  names_.set("localhost", {"127.0.0.2", "127.0.0.1"});
  auto config = test_config(plain, directory_, {"trade.A"});
  config.upstream.url = "ws://localhost:" + port;
  config.upstream.rest_url = "http://127.0.0.1:" + port;
  if (!hangs_up) config.upstream.idle_timeout_ms = 1'000;
  RunningBridge bridge(config);
  ASSERT_TRUE(broken.accept()) << bridge.log();
  if (hangs_up) broken.hang_up();
  EXPECT_TRUE(plain.wait_for_subscription("trade.A", kLongAgo)) << bridge.log();
}

INSTANTIATE_TEST_SUITE_P(WayIn, OfSeveralAddressesOne, testing::Bool(),
                         [](const auto& row) { return row.param ? "HangsUp" : "IsSilent"; });

/// The status that `dialler`'s site answers by.
unsigned status_of(bridge::Dialler& dialler) {
  boost::asio::io_context loop;
  auto asked = boost::asio::co_spawn(
      loop,
      [&]() -> boost::asio::awaitable<unsigned> {
        const auto opened = co_await bridge::RestClient::open({.dialler = dialler}, nullptr);
        if (opened.client == nullptr) co_return 0;
        co_return (co_await opened.client->get("/api/v1/time")).status;
      },
      boost::asio::use_future);
  loop.run();
  return asked.get();
}

TEST_F(OfSeveralAddresses, OneWhoseServerFailsIsNotAskedFirstAgain) {
  SimulatedExchange plain(ExchangeOptions{.tls = false});
  const CannedListener broken(http("503 Service Unavailable"), plain.port(), "127.0.0.2");
  names_.set("localhost", {"127.0.0.2", "127.0.0.1"});
  bridge::Dialler dialler({.site = {.is_tls = false, .host = "localhost", .port = plain.port()}});
  EXPECT_EQ(status_of(dialler), 503U);
  EXPECT_EQ(status_of(dialler), 200U);
  EXPECT_EQ(status_of(dialler), 200U);
}

TEST_F(OfSeveralAddresses, OneWhoseServerHangsUpIsNotAskedFirstAgain) {
  SimulatedExchange plain(ExchangeOptions{.tls = false});
  const CannedListener mute("", plain.port(), "127.0.0.2");
  names_.set("localhost", {"127.0.0.2", "127.0.0.1"});
  bridge::Dialler dialler({.site = {.is_tls = false, .host = "localhost", .port = plain.port()}});
  EXPECT_EQ(status_of(dialler), 0U);
  EXPECT_EQ(status_of(dialler), 200U);
  EXPECT_EQ(status_of(dialler), 200U);
}

TEST_F(OfSeveralAddresses, NoneBeyondThisMachineIsTriedWithoutTls) {
  auto config = this->config();
  config.upstream.url = "ws://localhost:" + std::to_string(exchange_.port());
  names_.set("localhost", {"192.0.2.1", "2001:db8::1"});
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=dns", kLongAgo)) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("localhost leads beyond this machine"));
}

/// 0.0.0.0 leads to whoever listens on this machine, but it is not this machine's alone.
TEST_F(OfSeveralAddresses, ThoseOfLoopbackAloneAreDialledWithoutTls) {
  SimulatedExchange plain(ExchangeOptions{.tls = false});
  auto config = test_config(plain, directory_, {"trade.A"});
  const auto port = std::to_string(plain.port());
  config.upstream.url = "ws://localhost:" + port;
  config.upstream.rest_url = "http://localhost:" + port;
  names_.set("localhost", {"0.0.0.0", "192.0.2.1"});
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("localhost leads beyond this machine", kLongAgo)) << bridge.log();
  EXPECT_EQ(plain.connections(), 0U);
  names_.set("localhost", {"0.0.0.0", "192.0.2.1", "127.0.0.1"});
  ASSERT_TRUE(plain.wait_for_subscription("trade.A", kLongAgo)) << bridge.log();
}

TEST_F(OfSeveralAddresses, ANameServerThatHangsHoldsOneThreadForEachName) {
  names_.hang(kHost);
  auto config = this->config();
  config.upstream.connect_timeout_ms = 200;
  config.upstream.backoff_initial_ms = config.upstream.backoff_max_ms = 1;
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("attempt=4 ", kLongAgo)) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("waiting for the look-up of the host's name"));
  EXPECT_LE(names_.begun(kHost), 2U) << "the WebSocket's, and REST's";
  names_.set(kHost, {"127.0.0.1"});
  ASSERT_TRUE(exchange_.wait_for_subscription("trade.A", kLongAgo)) << bridge.log();
}

/// A bridge that has to pass a proxy. The exchange's name is the proxy's to look up.
class ThroughAProxy : public testing::Test {
 protected:
  static constexpr auto kHost = "exchange.example";
  static constexpr auto kBasic = "Basic bWU6c2VjcmV0QHdvcmQ=";  // me:secret@word

  bridge::Config config_with(const std::string& proxy) {
    auto config = test_config(exchange_, directory_, {"trade.A"});
    config.upstream.proxy = proxy;
    return config;
  }

  void expect_carried(RunningBridge& bridge) {
    ReadySubscriber consumer(bridge.public_endpoint());
    ASSERT_TRUE(exchange_.wait_for_subscription("trade.A", kLongAgo)) << bridge.log();
    exchange_.publish("trade.A", "1");
    EXPECT_TRUE(consumer.next(kLongAgo)) << bridge.log();
  }

  /// That the attempts fail for the proxy's sake, and the log has `words`.
  void expect_failure(const bridge::Config& config, const std::vector<std::string>& words) {
    RunningBridge bridge(config);
    ASSERT_TRUE(bridge.wait_for_log("connect failed result=proxy", kLongAgo)) << bridge.log();
    for (const auto& word : words) EXPECT_THAT(bridge.log(), HasSubstr(word));
    EXPECT_GE(bridge.metric(R"(upstream_connects_total{result="proxy"})"), 1);
    expect_no_secret(bridge);
    EXPECT_EQ(exchange_.connections(), 0U);
  }

  static void expect_no_secret(const RunningBridge& bridge) {
    for (const auto* secret : {"secret", "40word", "bWU6"})
      EXPECT_THAT(bridge.log(), Not(HasSubstr(secret)));
  }

  SimulatedExchange exchange_{ExchangeOptions{.host_name = kHost}};
  TemporaryDirectory directory_;
};

TEST_F(ThroughAProxy, GoesTheWebSocketAndRestToo) {
  const ConnectProxy proxy({.authorization = kBasic});
  const auto config = config_with(proxy.url("me:secret%40word@"));
  RunningBridge bridge(config);
  expect_carried(bridge);
  EXPECT_TRUE(bridge.wait_for_log("clock offset offset_ms", kLongAgo)) << bridge.log();
  for (const auto& url : {config.upstream.url, config.upstream.rest_url}) {
    const auto behind_scheme = url.substr(url.find("://") + 3);
    const auto authority = behind_scheme.substr(0, behind_scheme.find('/'));
    EXPECT_THAT(proxy.requests(),
                HasSubstr("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority));
  }
  EXPECT_EQ(bridge.metric(R"(upstream_connects_total{result="ok"})"), 1);
  expect_no_secret(bridge);
}

TEST_F(ThroughAProxy, ThatWantsALogInIsToldApartFromOneThatRefusesIt) {
  const ConnectProxy proxy({.authorization = kBasic});
  expect_failure(config_with(proxy.url()), {"HTTP 407", "http://USER:PASSWORD@HOST:PORT"});
  expect_failure(config_with(proxy.url("you:secret%40word@")), {"HTTP 407", "does not accept"});
}

TEST_F(ThroughAProxy, ThatLetsNobodyPassIsToldWithItsWords) {
  const ConnectProxy proxy({.refusal = http("403 Forbidden", {}, "<h1>Not from here</h1>")});
  expect_failure(config_with(proxy.url("me:secret%40word@")),
                 {"HTTP 403 (Not from here)", "CONNECT to exchange.example"});
}

TEST_F(ThroughAProxy, ThatEchoesTheLogInIsToldWithoutIt) {
  const ConnectProxy proxy({.echoes = true});
  expect_failure(config_with(proxy.url("me:secret%40word@")),
                 {"HTTP 403 (CONNECT exchange.example", "Proxy-Authorization: Basic ***"});
  const ConnectProxy other({.refusal = http("403 Forbidden", {}, "No secret@word is known here")});
  expect_failure(config_with(other.url("me:secret%40word@")), {"No *** is known here"});
}

TEST_F(ThroughAProxy, ThatHangsIsToldByItsName) {
  const ConnectProxy proxy({.hangs = true});
  auto config = config_with(proxy.url("me:secret%40word@"));
  config.upstream.connect_timeout_ms = 100;
  expect_failure(config, {"waiting for the proxy"});
}

TEST_F(ThroughAProxy, ThatIsNotThereIsToldByItsName) {
  const ClosedPort closed;
  const auto port = std::to_string(closed.port());
  expect_failure(config_with("http://me:secret%40word@127.0.0.1:" + port),
                 {"proxy 127.0.0.1:" + port + ": Connection refused"});
}

TEST_F(ThroughAProxy, ThatIsNoneIsToldByItsName) {
  const CannedListener listener("220 mail.example ESMTP\r\n\r\n");
  expect_failure(config_with("http://127.0.0.1:" + std::to_string(listener.port())),
                 {"no HTTP proxy"});
}

TEST_F(ThroughAProxy, OfTheEnvironmentGoesTheWayWhereTheConfigurationNamesNone) {
  const ConnectProxy proxy({.authorization = kBasic});
  RunningBridge bridge(config_with(""), kSubscribing,
                       {.https_proxy = proxy.url("me:secret%40word@"), .no_proxy = {}});
  expect_carried(bridge);
  EXPECT_THAT(proxy.requests(), HasSubstr("CONNECT exchange.example"));
  expect_no_secret(bridge);
}

TEST_F(ThroughAProxy, GoesNothingThatNoProxyNamesOrThatIsToGoWithout) {
  const ConnectProxy proxy({.hangs = true});
  ScriptedNames names;
  names.set(kHost, {"127.0.0.1"});
  {
    RunningBridge bridge(config_with(""), kSubscribing,
                         {.https_proxy = proxy.url(), .no_proxy = ".example"});
    expect_carried(bridge);
  }
  RunningBridge bridge(config_with("none"), kSubscribing,
                       {.https_proxy = proxy.url(), .no_proxy = {}});
  expect_carried(bridge);
  EXPECT_EQ(proxy.requests(), "");
}

}  // namespace
}  // namespace bpx::test
