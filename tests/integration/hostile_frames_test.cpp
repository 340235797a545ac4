#include "bridge/relay/stream_table.hpp"
#include "proto/stream_name.hpp"
#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
namespace fault = exchange::fault;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;

std::size_t lines_with(const std::string& log, std::string_view text) {
  std::size_t lines = 0;
  for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++lines;
  return lines;
}

/// An exchange that sends what it likes, and a bridge that wants one stream of it, `trade.GOOD`.
class HostileFrames : public testing::Test {
 protected:
  void start(const std::function<void(bridge::Config&)>& change = {}) {
    auto config = test_config(exchange_, directory_, {"trade.GOOD"});
    if (change) change(config);
    bridge_.emplace(config);
    consumer_.emplace(bridge_->public_endpoint());
    ASSERT_TRUE(exchange_.wait_for_subscription("trade.GOOD"));
  }

  void publish_good(int number) { exchange_.publish("trade.GOOD", std::to_string(number)); }
  static std::string good(int number) {
    return R"({"data":)" + std::to_string(number) + R"(,"stream":"trade.GOOD"})";
  }

  /// That what comes next is the good message, and came by the first connection.
  void expect_good(int number) {
    publish_good(number);
    const auto message = consumer_->next();
    ASSERT_TRUE(message) << bridge_->log();
    EXPECT_EQ(message->payload, good(number));
    EXPECT_EQ(message->header.connection, 1U);
  }

  double malformed() const { return bridge_->metric("malformed_messages_total"); }

  SimulatedExchange exchange_{ExchangeOptions{}};
  TemporaryDirectory directory_;
  std::optional<RunningBridge> bridge_;
  std::optional<ReadySubscriber> consumer_;
};

const std::vector<std::string> kCaptured = {
    R"({"data":{"A":"39.70","B":"288.77","E":1788367430323775,"T":1788367430322731,"a":"98.97",)"
    R"("b":"98.96","e":"bookTicker","s":"SOL_USDC","u":4330361000},"stream":"bookTicker.SOL_USDC"})",
    R"({"data":{"E":1736257764052341,"T":1736257764022406,"U":1803724440,"a":[["214.50","0.13"]],)"
    R"("b":[["214.07","21.41"]],"e":"depth","s":"SOL_USDC","u":1803724442},)"
    R"("stream":"depth.200ms.SOL_USDC"})",
    R"({"data":{"E":1736186248745457,"T":1736186248744398,"a":"113782701997686784",)"
    R"("b":"113782700596854784","e":"trade","m":true,"p":"218.50","q":"0.07","s":"SOL_USDC",)"
    R"("t":341399899},"stream":"trade.SOL_USDC"})",
    R"({"data":{"A":"10","E":1788368290063168,"L":"20","S":"0","T":1788368290062981,"a":"USDT",)"
    R"("e":"balanceUpdate"},"stream":"account.balanceUpdate"})"};

/// Changes a captured frame in a few places; with bytes up to `greatest`.
std::string mutated(std::mt19937_64& random, int greatest) {
  auto frame = kCaptured[random() % kCaptured.size()];
  const auto byte = [&] { return static_cast<char>(random() % static_cast<unsigned>(greatest)); };
  for (auto changes = random() % 4 + 1; changes > 0 && !frame.empty(); --changes) {
    const auto at = random() % frame.size();
    const auto size = std::min(random() % 20, frame.size() - at);
    switch (random() % 5) {
      case 0: frame[at] = byte(); break;
      case 1: frame.insert(at, 1, byte()); break;
      case 2: frame.erase(at, size); break;
      case 3: frame.insert(at, frame.substr(at, size)); break;
      default: std::swap(frame[at], frame[random() % frame.size()]); break;
    }
  }
  return frame;
}

TEST_F(HostileFrames, ByTheThousandNeitherStopNorReorderTheGoodOnesBetween) {
  constexpr int kGood = 500;
  constexpr int kBadBetween = 10;
  start();
  std::mt19937_64 random(11);
  for (int i = 0; i < kGood; ++i) {
    for (int bad = 0; bad < kBadBetween; ++bad) {
      // Text that is not UTF-8 would end the connection; what is binary may be anything.
      if (bad % 2 == 0)
        exchange_.send_raw(mutated(random, 0x80));
      else
        exchange_.send_raw_binary(mutated(random, 0x100));
    }
    publish_good(i);
  }
  double published = 0;
  for (int next = 0; next < kGood; ++published) {
    const auto message = consumer_->next();
    ASSERT_TRUE(message) << "good messages: " << next << '\n' << bridge_->log();
    ASSERT_FALSE(proto::is_private_stream(message->topic)) << message->topic;
    ASSERT_FALSE(proto::StreamName::fault_of(message->topic)) << message->topic;
    if (message->topic != "trade.GOOD") continue;
    ASSERT_EQ(message->payload, good(next));
    ASSERT_EQ(message->header.sequence, static_cast<std::uint64_t>(++next));
  }
  EXPECT_GT(malformed(), 1'000);
  const auto carried = bridge_->metric(R"(received_messages_total{stream="trade.GOOD"})") +
                       bridge_->metric(R"(received_messages_total{stream="other"})");
  EXPECT_EQ(malformed() + carried, kGood * (kBadBetween + 1)) << "something came to nothing";
  EXPECT_LE(published, carried);
  EXPECT_EQ(exchange_.connections(), 1U) << bridge_->log();
  constexpr std::size_t kKinds = 20;  // of faults, each of which is told of once
  EXPECT_LE(lines_with(bridge_->whole_log(), "malformed message"), 13U + kKinds)
      << "the log is flooded";
}

TEST_F(HostileFrames, OfAHundredThousandBracketsAreCarriedOrCountedLikeAnyOther) {
  start();
  constexpr std::size_t kDepth = 100'000;
  const auto deep = R"({"data":)" + std::string(kDepth, '[') + std::string(kDepth, ']') +
                    R"(,"stream":"trade.DEEP"})";
  exchange_.send_raw(R"({"stream":"trade.DEEP","data":)" + std::string(kDepth, '['));
  exchange_.send_raw(std::string(kDepth, '['));
  exchange_.send_raw(deep);
  const auto message = consumer_->next();
  ASSERT_TRUE(message) << bridge_->log();
  EXPECT_EQ(message->payload, deep);
  EXPECT_EQ(malformed(), 2);
  expect_good(1);
}

/// Whatever stands in quotation marks or brackets within `data`, as long as both end.
TEST_F(HostileFrames, WithOddThingsInTheirDataArePublishedByteForByte) {
  start();
  const std::vector<std::string> odd = {
      R"({"p":"1","p":"2","e":"trade","e":"depth"})",  // twice
      R"({"stream":"account.orderUpdate","data":{"id":1},"error":{"code":1,"message":"no"}})",
      R"({"a":"\q\x41\u12","b":"\ud800","c":"\ude00\ud83d"})",  // no escapes, half characters
      R"({"E":1e400,"u":-0,"t":00012,"U":18446744073709551616})",
      R"({"E":NaN,"u":Infinity,"t":0x1F,"U":'1'})",  // no JSON at all
      R"({"a":nul,"b":tru,"c":+1,"d":.5,"e":1.})",
      R"({"a":"\u0000","b":"\u001b[2J","c":"\u009b","d":"\u202e"})",
      "{\"\u202e\":\"\u009b2J\",\"\ufeff\":\"\u00ad\",\"\U0010ffff\":\"\u0085\"}",
      "{ \t\r\n \"a\" \n : [ 1 , [ ] , { } ] \t }",
      "[]",
      "\"\"",
      "null",
      "-1.50e-7"};
  for (const auto& data : odd)
    exchange_.send_raw(R"({"data":)" + data + R"(,"stream":"trade.GOOD"})");
  for (const auto& data : odd) {
    const auto message = consumer_->next();
    ASSERT_TRUE(message) << data << bridge_->log();
    EXPECT_EQ(message->topic, "trade.GOOD");
    EXPECT_EQ(message->payload, R"({"data":)" + data + R"(,"stream":"trade.GOOD"})");
  }
  EXPECT_EQ(malformed(), 0);
  expect_good(1);
}

TEST_F(HostileFrames, ThatCanBeReadInTwoWaysAreNotPublished) {
  start();
  exchange_.send_raw(R"({"data":{},"stream":"trade.GOOD","stream":"account.orderUpdate"})");
  exchange_.send_raw(R"({"data":1,"data":2,"stream":"trade.GOOD"})");
  exchange_.send_raw(R"({"data":{},"stream":"trade.GOOD","str\u0065am":"trade.GOOD"})");
  expect_good(1);
  EXPECT_EQ(malformed(), 3);
  EXPECT_TRUE(bridge_->wait_for_log("stands in it twice")) << bridge_->log();
}

TEST_F(HostileFrames, OfTheBridgesOwnNameAreNotPublishedOnAnyEndpoint) {
  start();
  ReadySubscriber owner(bridge_->private_endpoint());
  const std::vector<std::string> spoofs = {"bridge.status", "br\\u0069dge.status", "bridge",
                                           "bridge.replay/trade.GOOD/1/x", "bridge.book/depth.A/x"};
  const auto shutdown = R"({"event":"shutdown","state":"down","connection":1})";
  for (const auto& spoof : spoofs)
    exchange_.send_raw(R"({"data":)" + std::string(shutdown) + R"(,"stream":")" + spoof + "\"}");
  expect_good(1);
  EXPECT_EQ(malformed(), static_cast<double>(spoofs.size()));
  EXPECT_TRUE(bridge_->wait_for_log("kept for the bridge's own topics")) << bridge_->log();
  ASSERT_TRUE(owner.wait_for_status("heartbeat"));
  for (const auto* subscriber : {&*consumer_, &owner})
    for (const auto& status : subscriber->status())
      EXPECT_THAT(status.payload, Not(HasSubstr("shutdown")));
  EXPECT_FALSE(owner.next(0ms));
}

TEST_F(HostileFrames, WithAccountDataReachNobodyWhereNoPrivateEndpointIs) {
  start([](bridge::Config& config) { config.publish.private_.bind.clear(); });
  for (const auto* name : {"account.orderUpdate", "acc\\u006funt.orderUpdate", "account.new.kind"})
    exchange_.send_raw(R"({"data":{"secret":1},"stream":")" + std::string(name) + "\"}");
  exchange_.send_raw(R"({"data":{},"stream":"account"})");
  expect_good(1);
  EXPECT_TRUE(bridge_->wait_for_log("account data withheld stream=account.orderUpdate"));
  EXPECT_EQ(malformed(), 1) << "`account` alone is no stream";
}

TEST_F(HostileFrames, WithAccountDataThatNobodyAskedForGoToThePrivateEndpointAlone) {
  start();
  ReadySubscriber owner(bridge_->private_endpoint());
  exchange_.send_raw(R"({"data":{"secret":1},"stream":"acc\u006funt.orderUpdate"})");
  const auto order = owner.next();
  ASSERT_TRUE(order);
  EXPECT_EQ(order->topic, "account.orderUpdate");
  expect_good(1);
}

TEST_F(HostileFrames, WithAccountDataReachNobodyWhereNoKeyIsConfigured) {
  bridge_.emplace(test_config(exchange_, directory_, {"trade.GOOD"}), kSubscribing,
                  bridge::ProxyEnvironment{}, std::nullopt);
  consumer_.emplace(bridge_->public_endpoint());
  ReadySubscriber owner(bridge_->private_endpoint());
  ASSERT_TRUE(exchange_.wait_for_subscription("trade.GOOD"));
  for (int i = 0; i < 2; ++i)
    exchange_.send_raw(R"({"data":{"invented":1},"stream":"account.orderUpdate"})");
  expect_good(1);
  EXPECT_EQ(bridge_->metric(R"(received_messages_total{stream="other"})"), 2);
  bridge_->stop();
  ASSERT_TRUE(owner.wait_for_end());
  EXPECT_FALSE(owner.next(0ms)) << "nothing on this connection is the account's";
  const auto log = bridge_->whole_log();
  EXPECT_EQ(lines_with(log, "account data withheld"), 1U) << log;
  EXPECT_THAT(log, HasSubstr("no API key is configured"));
}

TEST_F(HostileFrames, WithTheTopicTerminatorInTheirNameAreNotPublished) {
  auto config = test_config(exchange_, directory_, {"trade.GOOD"});
  config.publish.topic_terminator = "|";
  bridge_.emplace(config);
  Subscriber consumer(bridge_->public_endpoint(), {"trade.GOOD|", "bridge.status|"});
  ASSERT_TRUE(consumer.receive()) << "no heartbeat";
  ASSERT_TRUE(exchange_.wait_for_subscription("trade.GOOD"));
  for (const auto* name : {"trade.GOOD|", "trade.GOOD|x", "|trade"})
    exchange_.send_raw(R"({"data":{},"stream":")" + std::string(name) + "\"}");
  publish_good(1);
  auto message = consumer.receive();
  while (message && message->topic == "bridge.status|") message = consumer.receive();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->topic, "trade.GOOD|") << "who subscribes to this gets this and no other";
  EXPECT_EQ(message->payload, good(1));
  EXPECT_EQ(malformed(), 3);
  EXPECT_TRUE(bridge_->wait_for_log("publish.topic_terminator")) << bridge_->log();
}

TEST_F(HostileFrames, OfInventedNamesAreCarriedUpToTheBoundAndCountedBeyondIt) {
  start();
  constexpr std::size_t kInvented = bridge::StreamTable::kMaxUnrequested + 2'000;
  for (std::size_t i = 0; i < kInvented; ++i)
    exchange_.send_raw(R"({"data":1,"stream":"invented.)" + std::to_string(i) + "\"}");
  publish_good(1);
  std::size_t carried = 0;
  for (;; ++carried) {
    const auto message = consumer_->next();
    ASSERT_TRUE(message) << carried;
    if (message->topic == "trade.GOOD") break;
  }
  EXPECT_EQ(carried, bridge::StreamTable::kMaxUnrequested);
  EXPECT_EQ(malformed(), 2'000);
  EXPECT_EQ(lines_with(bridge_->whole_log(), "more streams than"), 11U) << "1st, 2nd, 4th … 1024th";
}

TEST_F(HostileFrames, OfInventedNamesTakeNoPlaceFromWhatConsumersWant) {
  start([](bridge::Config& config) {
    config.upstream.on_demand = {.enabled = true, .allow = {"depth.*"}, .linger_ms = 60'000};
  });
  for (std::size_t i = 0; i < bridge::StreamTable::kMaxUnrequested; ++i)
    exchange_.send_raw(R"({"data":1,"stream":"invented.)" + std::to_string(i) + "\"}");
  publish_good(1);
  while (const auto message = consumer_->next())
    if (message->topic == "trade.GOOD") break;
  Subscriber late(bridge_->public_endpoint(), {"depth.LATE"});
  ASSERT_TRUE(exchange_.wait_for_subscription("depth.LATE"));
  exchange_.publish("depth.LATE", "2");
  const auto message = late.receive();
  ASSERT_TRUE(message) << bridge_->log();
  EXPECT_EQ(message->payload, R"({"data":2,"stream":"depth.LATE"})");
  EXPECT_EQ(malformed(), 0);
}

TEST_F(HostileFrames, OfErrorsByTheThousandFloodNeitherLogNorMemory) {
  start();
  expect_good(1);  // a stream that has delivered is beyond doubt
  constexpr int kErrors = 5'000;
  const std::string words(10'000, 'w');
  for (int i = 0; i < kErrors; ++i)
    exchange_.apply(fault::Error{.code = i % 2 == 0 ? 5000 : 4006, .message = words});
  expect_good(2);
  EXPECT_EQ(bridge_->metric(R"(upstream_errors_total{code="other"})"), kErrors / 2);
  const auto log = bridge_->whole_log();
  EXPECT_LE(lines_with(log, "WARN  error from the exchange"), 24U) << "12 of each kind";
  EXPECT_THAT(log, Not(HasSubstr(std::string(300, 'w')))) << "its words are bounded";
}

TEST_F(HostileFrames, OfAcknowledgementsByTheThousandChangeNothing) {
  start();
  for (int i = 0; i < 20'000; ++i)
    exchange_.send_raw(R"({"id":)" + std::to_string(i % 3) + R"(,"result":null})");
  expect_good(1);
  EXPECT_EQ(exchange_.requests().size(), 1U);
  EXPECT_EQ(malformed(), 0);
}

}  // namespace
}  // namespace bpx::test
