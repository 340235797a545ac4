#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::Frame;
using exchange::SimulatedExchange;

/// An exchange with one stream, a bridge with short queues, and a consumer that reads nothing: more
/// is published than its queues can hold.
class StuckConsumer : public testing::Test {
 protected:
  static constexpr int kSendHwm = 1'000;
  static constexpr std::size_t kMessages = 5'000;

  static bridge::Config config(const SimulatedExchange& exchange,
                               const TemporaryDirectory& directory) {
    auto config = test_config(exchange, directory, {"depth.A"});
    config.publish.send_hwm = kSendHwm;
    config.publish.replay_messages = kSendHwm - 1;
    config.publish.linger_ms = 200;
    return config;
  }

  void SetUp() override {
    stuck_.set(zmq::sockopt::rcvhwm, 1);
    stuck_.set(zmq::sockopt::rcvbuf, 4096);
    stuck_.set(zmq::sockopt::linger, 0);
    stuck_.set(zmq::sockopt::rcvtimeo, 0);
    stuck_.set(zmq::sockopt::subscribe, "depth.A");
    stuck_.connect(bridge_.public_endpoint());
    ASSERT_TRUE(exchange_.wait_for_subscription("depth.A"));
    // It is subscribed once it gets something.
    zmq::pollitem_t item{stuck_.handle(), 0, ZMQ_POLLIN, 0};
    ASSERT_TRUE(comes_true([&] {
      publish();
      ++first_;
      return zmq::poll(&item, 1, 20ms) > 0;
    }));
  }

  /// In lots that a consumer who reads takes in before the next.
  void publish_more_than_fits(ReadySubscriber& reader) {
    constexpr std::size_t kLot = 200;
    const std::string data = '"' + std::string(4096, 'x') + '"';
    for (std::size_t i = 0; i < kMessages / kLot; ++i) {
      exchange_.publish_all(std::vector(kLot, Frame{"depth.A", data}));
      for (const auto& message : reader.take(kLot)) read_.push_back(message.header.sequence);
    }
  }

  void publish() { exchange_.publish("depth.A", "{}"); }

  /// The next sequence that the stuck consumer gets, now that it reads; 0 if none is there.
  std::uint64_t receive() {
    zmq::message_t topic, payload, header;
    if (!stuck_.recv(topic) || !stuck_.recv(payload) || !stuck_.recv(header)) return 0;
    const auto decoded = proto::MessageHeader::decode(
        {static_cast<const std::uint8_t*>(header.data()), header.size()});
    return decoded ? decoded->sequence : 0;
  }

  SimulatedExchange exchange_{ExchangeOptions{}};
  TemporaryDirectory directory_;
  RunningBridge bridge_{config(exchange_, directory_)};
  zmq::context_t context_{1};
  zmq::socket_t stuck_{context_, zmq::socket_type::sub};
  std::uint64_t first_ = 0;          ///< messages published before the test begins
  std::vector<std::uint64_t> read_;  ///< sequences that the other consumer got
};

TEST_F(StuckConsumer, SeesItsLossAsAHoleAndCostsTheOthersNothing) {
  ReadySubscriber reader(bridge_.public_endpoint());
  publish_more_than_fits(reader);
  ASSERT_EQ(read_.size(), kMessages) << "another consumer's slowness was felt";
  for (std::size_t i = 1; i < kMessages; ++i) ASSERT_EQ(read_[i], read_[i - 1] + 1);

  EXPECT_GE(bridge_.metric(R"(slow_subscriber_episodes_total{endpoint="public"})"), 1);
  EXPECT_TRUE(bridge_.wait_for_log("slow consumer endpoint=public")) << bridge_.log();

  // It reads again. As soon as its queues have room, what is published reaches it once more: until
  // something does, more follows, though not so much that they fill anew.
  zmq::pollitem_t waiting{stuck_.handle(), 0, ZMQ_POLLIN, 0};
  const auto before = first_ + kMessages;
  std::uint64_t last = 0;
  std::uint64_t after = 0;
  std::size_t got = 0;
  std::uint64_t more = 0;
  ASSERT_TRUE(comes_true(
      [&] {
        while (after == 0) {
          const auto sequence = receive();
          if (sequence == 0) break;
          EXPECT_GT(sequence, last);
          if (sequence > before) {
            after = sequence;
          } else {
            last = sequence;
            ++got;
          }
        }
        if (after != 0) return true;
        if (zmq::poll(&waiting, 1, 100ms) == 0) {
          publish();
          ++more;
        }
        return false;
      },
      0ms));
  EXPECT_LT(got, before) << "nothing was lost: the test did not fill the queue";
  EXPECT_GT(after, last + 1) << "the loss does not show in the sequence";

  publish();
  ++more;
  for (auto next = after + 1; next <= before + more; ++next) {
    std::uint64_t sequence = 0;
    ASSERT_TRUE(comes_true([&] { return (sequence = receive()) != 0; }));
    ASSERT_EQ(sequence, next) << "who reads again misses nothing more";
  }
}

TEST_F(StuckConsumer, DoesNotKeepTheBridgeFromStopping) {
  ReadySubscriber reader(bridge_.public_endpoint());
  publish_more_than_fits(reader);
  const auto stopped = std::async(std::launch::async, [&] { bridge_.stop(); });
  EXPECT_EQ(stopped.wait_for(kDeadline), std::future_status::ready)
      << "it goes on beyond publish.linger_ms, which is 200";
  stuck_.close();
}

TEST(MessageSize, IsCarriedUpToTheBoundAndEndsTheConnectionBeyondIt) {
  const auto envelope = [](std::size_t size) {
    const auto around = std::string_view(R"({"data":"","stream":"depth.A"})").size();
    return '"' + std::string(size - around, 'x') + '"';
  };
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"depth.A"});
  config.upstream.max_message_bytes = 50'000;
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("depth.A"));
  exchange.publish("depth.A", envelope(50'000));
  const auto message = consumer.next();
  ASSERT_TRUE(message) << bridge.log();
  EXPECT_EQ(message->payload.size(), 50'000U);
  exchange.publish("depth.A", envelope(50'001));
  EXPECT_TRUE(consumer.wait_for_status(R"("reason":"oversized")")) << bridge.log();
}

}  // namespace
}  // namespace bpx::test
