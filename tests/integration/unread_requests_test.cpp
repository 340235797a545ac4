#include "tests/support/running_bridge.hpp"
#include "tests/support/scripted_websocket.hpp"
#include "tests/support/websocket_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;

/// More than TCP holds of what is sent in small segments: the second number of tcp_wmem is the size
/// of a socket's buffer unless larger segments, or more of them under way, make it grow.
std::vector<std::string> many_long_names() {
  std::size_t least = 0;
  std::size_t buffer = 0;
  std::ifstream("/proc/sys/net/ipv4/tcp_wmem") >> least >> buffer;
  constexpr std::size_t kLength = 180;
  std::vector<std::string> names = {"trade.A"};
  for (auto i = 4 * std::max<std::size_t>(buffer, 65'536) / kLength; i > 0; --i)
    names.push_back("trade." + std::string(kLength, 'X') + std::to_string(i));
  return names;
}

/// What comes keeps the connection from being idle; what cannot be written must end it all the
/// same.
TEST(UnreadRequests, EndTheConnectionThoughTheExchangeSendsWithoutPause) {
  const std::string data = R"({"data":1,"stream":"trade.A"})";
  SimulatedExchange rest(ExchangeOptions{});
  const TemporaryDirectory directory;
  ScriptedWebSocket exchange;
  exchange.keep_segments_small();
  auto config = test_config(rest, directory, many_long_names());
  config.upstream.url = exchange.url();
  config.upstream.idle_timeout_ms = 12'000;
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint(), {"bridge."});

  ASSERT_TRUE(exchange.accept());
  std::atomic<bool> is_over = false;
  std::thread flood([&] {
    std::string frames;
    while (frames.size() < 60'000) frames += WebSocketFrame{.payload = data}.bytes();
    while (!is_over && exchange.say(frames)) continue;
  });
  const auto status = consumer.wait_for_status(R"("event":"disconnected")");
  is_over = true;
  flood.join();
  ASSERT_TRUE(status) << bridge.log();
  EXPECT_THAT(status->payload, HasSubstr(R"("reason":"idle")"));
  EXPECT_TRUE(bridge.wait_for_log("the exchange takes no requests")) << bridge.log();
  EXPECT_GT(bridge.metric(R"(received_messages_total{stream="trade.A"})"), 0);

  ReadySubscriber later(bridge.public_endpoint(), {"trade.A"});
  ASSERT_TRUE(exchange.accept());
  EXPECT_FALSE(exchange.hear().empty()) << "nothing is subscribed to";
  ASSERT_TRUE(exchange.say(WebSocketFrame{.payload = data}.bytes()));
  const auto message = later.next();
  ASSERT_TRUE(message) << bridge.log();
  EXPECT_EQ(message->payload, data);
  EXPECT_EQ(message->header.connection, 2U);
}

}  // namespace
}  // namespace bpx::test
