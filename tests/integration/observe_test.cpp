#include "tests/support/http_client.hpp"
#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
namespace fault = exchange::fault;

nlohmann::json body_of(const std::string& page) {
  return nlohmann::json::parse(page.substr(page.find("\r\n\r\n") + 4));
}

/// How often `text` occurs in `log`.
std::size_t count(const std::string& log, std::string_view text) {
  std::size_t times = 0;
  for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++times;
  return times;
}

class Observing : public testing::Test {
 protected:
  Observing() { streams_ready(); }

  void streams_ready() {
    EXPECT_TRUE(exchange_.wait_for_subscription("trade.A")) << bridge_.log();
    EXPECT_TRUE(exchange_.wait_for_subscription("depth.A")) << bridge_.log();
    EXPECT_TRUE(bridge_.wait_for_metric("stream_subscribed{stream=\"depth.A\"}", 1));
  }

  nlohmann::json status() const { return body_of(bridge_.page("/status")); }

  SimulatedExchange exchange_{ExchangeOptions{}};
  TemporaryDirectory directory_;
  RunningBridge bridge_{test_config(exchange_, directory_, {"trade.A", "depth.A"})};
};

TEST_F(Observing, SaysThatItIsReadyAndAlive) {
  EXPECT_THAT(bridge_.page("/readyz"),
              AllOf(StartsWith("HTTP/1.1 200 "), EndsWith(R"({"ready":true,"reasons":[]})")));
  EXPECT_THAT(bridge_.page("/livez"), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("ok\n")));
  EXPECT_THAT(bridge_.page("/"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("text/html"), HasSubstr("<html")));
}

TEST_F(Observing, AnswersPrometheus3InTheFormatThatBothKnow) {
  HttpClient prometheus(bridge_.http_endpoint());
  prometheus.send(
      "GET /metrics HTTP/1.1\r\nHost: bridge\r\nConnection: close\r\n"
      "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
      "application/openmetrics-text;version=0.0.1;q=0.5,"
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
      "*/*;q=0.2\r\nAccept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 4\r\n\r\n");
  EXPECT_THAT(prometheus.read_all(),
              AllOf(StartsWith("HTTP/1.1 200 "),
                    HasSubstr("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                    HasSubstr("\n# TYPE backpack_bridge_upstream_connected gauge\n")));
}

TEST_F(Observing, IsNotReadyWhileTheExchangeIsAwayAndIsAgainAfterwards) {
  exchange_.apply(fault::Refuse{});
  exchange_.apply(fault::Drop{});
  ASSERT_TRUE(bridge_.wait_for_metric("upstream_connected", 0));
  EXPECT_THAT(bridge_.page("/readyz"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("not connected")));
  EXPECT_THAT(bridge_.page("/livez"), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(bridge_.wait_for_metric("upstream_disconnects_total{reason=\"reset\"}", 1));
  exchange_.apply(fault::Heal{});
  ASSERT_TRUE(bridge_.wait_for_metric("upstream_reconnects_total", 1));
  streams_ready();
  EXPECT_THAT(bridge_.page("/readyz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(status()["last_disconnect"]["reason"], "reset");
}

TEST_F(Observing, CountsWhatItRelaysByStream) {
  ReadySubscriber consumer(bridge_.public_endpoint());
  exchange_.publish("trade.A", R"({"t":1})");
  exchange_.publish("trade.A", R"({"t":2})");
  exchange_.publish("depth.A", R"({"U":1,"u":3})");
  const auto messages = consumer.take(3);
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(bridge_.metric("received_messages_total{stream=\"trade.A\"}"), 2);
  EXPECT_EQ(bridge_.metric("received_messages_total{stream=\"depth.A\"}"), 1);
  EXPECT_EQ(bridge_.metric("received_bytes_total{stream=\"depth.A\"}"),
            static_cast<double>(messages[2].payload.size()));
  EXPECT_TRUE(bridge_.wait_for_metric("forward_seconds_count", 3));  // counted once it is sent
  const auto streams = status()["streams"];
  ASSERT_EQ(streams.size(), 2U);
  EXPECT_EQ(streams[0]["name"], "trade.A");
  EXPECT_EQ(streams[0]["state"], "live");
  EXPECT_EQ(streams[0]["sequence"], 2);
}

TEST_F(Observing, CountsGapsAndTellsConsumersOfThem) {
  ReadySubscriber consumer(bridge_.public_endpoint());
  exchange_.publish("depth.A", R"({"U":1,"u":3})");
  exchange_.publish("depth.A", R"({"U":6,"u":7})");
  const auto messages = consumer.take(2);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[1].header.flags, 2);
  const auto gap = consumer.wait_for_status("\"gap\"");
  ASSERT_TRUE(gap);
  EXPECT_THAT(gap->payload, HasSubstr(R"("stream":"depth.A","expected":4,"got":6)"));
  EXPECT_EQ(bridge_.metric("sequence_gaps_total{stream=\"depth.A\"}"), 1);
  EXPECT_EQ(bridge_.metric("sequence_missing_total{stream=\"depth.A\"}"), 2);
  EXPECT_TRUE(bridge_.wait_for_log("gap stream=depth.A expected=4 got=6")) << bridge_.log();
}

TEST_F(Observing, TellsOfRepeatedErrorsInFewLines) {
  for (int i = 0; i < 20; ++i) exchange_.apply(fault::Error{});
  ASSERT_TRUE(bridge_.wait_for_metric("upstream_errors_total{code=\"other\"}", 20));
  ASSERT_TRUE(bridge_.wait_for_log("count=20")) << bridge_.log();
  EXPECT_EQ(count(bridge_.log(), "WARN  error from the exchange"), 5U) << "1, 2, 4, 8 and 16";
}

TEST_F(Observing, CutsOffWhoIsSlowAfterFiveSecondsAndRefusesMoreThanEightKibibytes) {
  // That it is no less than five seconds: the bridge's begin later than these.
  const auto begin = std::chrono::steady_clock::now();
  HttpClient slow(bridge_.http_endpoint());
  slow.send("GET /live");
  EXPECT_THAT(slow.read_all(), IsEmpty());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 5s);

  const auto answer_to_head_of = [&](std::size_t bytes) {
    const std::string begin_of_head = "GET /livez HTTP/1.1\r\nConnection: close\r\nX: ";
    const std::string end_of_head = "\r\n\r\n";
    HttpClient client(bridge_.http_endpoint());
    client.send(begin_of_head +
                std::string(bytes - begin_of_head.size() - end_of_head.size(), 'x') + end_of_head);
    return client.read_all();
  };
  EXPECT_THAT(answer_to_head_of(8'192), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer_to_head_of(8'193), StartsWith("HTTP/1.1 413 "));
}

TEST_F(Observing, CountsConsumersAsTheyComeAndGo) {
  constexpr auto kPublic = "subscribers{endpoint=\"public\"}";
  constexpr auto kPrivate = "subscribers{endpoint=\"private\"}";
  EXPECT_EQ(bridge_.metric(kPublic), 0);
  {
    const ReadySubscriber one(bridge_.public_endpoint());
    const ReadySubscriber two(bridge_.public_endpoint());
    const ReadySubscriber owner(bridge_.private_endpoint());
    EXPECT_TRUE(bridge_.wait_for_metric(kPublic, 2));
    EXPECT_TRUE(bridge_.wait_for_metric(kPrivate, 1));
  }
  EXPECT_TRUE(bridge_.wait_for_metric(kPublic, 0));
  EXPECT_TRUE(bridge_.wait_for_metric(kPrivate, 0));
}

TEST_F(Observing, MeasuresThePingAndTheClock) {
  EXPECT_TRUE(bridge_.wait_for_log("clock offset")) << bridge_.log();
  EXPECT_EQ(bridge_.metric("clock_known"), 1);
  EXPECT_LT(std::abs(bridge_.metric("clock_offset_seconds")), 1);
  EXPECT_EQ(bridge_.metric("clock_tolerance_seconds"), 30) << "half the window";
  EXPECT_TRUE(comes_true([&] { return bridge_.metric("ping_rtt_seconds") > 0; }));
}

TEST(ObservingAnExchange, WhoseClockIsOffWarnsBeyondHalfTheSigningWindow) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::ShiftClock{.offset = 4s});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.window_ms = 5'000;
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("WARN  clock offset")) << bridge.log();
  EXPECT_NEAR(bridge.metric("clock_offset_seconds"), 4, 0.5);
}

TEST(ObservingAnExchange, ThatDropsTheConnectionTellsOfAllThatWasLostInOneLine) {
  constexpr int kStreams = 20;
  std::vector<std::string> streams;
  for (int i = 0; i < kStreams; ++i) streams.push_back("depth.S" + std::to_string(i));
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, streams));
  const auto all_say = [&](const std::string& data) {
    ASSERT_TRUE(exchange.wait_for_subscriptions(kStreams)) << bridge.log();
    for (const auto& stream : streams) exchange.publish(stream, data);
  };
  const std::string last = "{stream=\"depth.S19\"}";
  all_say(R"({"U":1,"u":3})");
  ASSERT_TRUE(bridge.wait_for_metric("received_messages_total" + last, 1));
  exchange.apply(fault::Drop{});
  ASSERT_TRUE(bridge.wait_for_metric("upstream_reconnects_total", 1));
  all_say(R"({"U":9,"u":10})");
  ASSERT_TRUE(bridge.wait_for_metric("sequence_gaps_total" + last, 1));
  exchange.apply(fault::Drop{});  // it need not last until all have spoken
  ASSERT_TRUE(bridge.wait_for_log("WARN  messages lost between connections streams=20 ids=100"))
      << bridge.log();
  EXPECT_EQ(count(bridge.log(), "WARN  gap"), 0U);
  EXPECT_EQ(count(bridge.log(), "DEBUG gap"), 20U);
}

TEST(ObservingAnExchange, ThatRejectsAStreamNamesIt) {
  ExchangeOptions options;
  options.unknown_streams = {"bogus.A"};
  SimulatedExchange exchange(options);
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A", "bogus.A"}));
  ASSERT_TRUE(bridge.wait_for_log("rejected stream=bogus.A")) << bridge.log();
  EXPECT_THAT(bridge.page("/readyz"), HasSubstr("rejected: bogus.A (4006 Invalid stream)"));
  EXPECT_GE(bridge.metric("upstream_errors_total{code=\"4006\"}"), 1);
  ASSERT_TRUE(bridge.wait_for_metric("stream_subscribed{stream=\"trade.A\"}", 1));
  const std::string_view reason = R"x("reasons":["rejected: bogus.A (4006 Invalid stream)"])x";
  EXPECT_TRUE(bridge.wait_for_page("/readyz", reason)) << bridge.page("/readyz");
  EXPECT_THAT(bridge.page("/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(body_of(bridge.page("/status"))["streams"][1]["code"], 4006);
}

}  // namespace
}  // namespace bpx::test
