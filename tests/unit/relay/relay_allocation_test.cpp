#include "bridge/relay/books.hpp"
#include "bridge/relay/history.hpp"
#include "bridge/relay/relay.hpp"
#include "bridge/upstream/frame_sieve.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/market_messages.hpp"
#include "tests/support/subscriber.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = 1U << 20U;

/// Behind which nothing of what was published before is on its way any more.
constexpr auto kFence = "fence";

/// Keeps messages of many sizes for some streams of which one is much busier than the others.
class HistoryAllocation : public testing::TestWithParam<History::Limits> {};

TEST_P(HistoryAllocation, IsNoneOnceWarm) {
  std::mt19937 random(1);
  History history(GetParam());
  std::deque<StreamHistory> streams;
  for (int i = 0; i < 20; ++i) streams.emplace_back(history);
  proto::MessageHeader header;
  const std::string text(20'000, 'x');
  const auto keep = [&](int count) {
    for (int i = 0; i < count; ++i) {
      ++header.sequence;
      const auto size = random() % 50 == 0 ? random() % text.size() : random() % 600;
      const auto stream = random() % 2 == 0 ? 0 : random() % streams.size();
      streams[stream].keep(header, std::string_view(text).substr(0, size));
    }
  };
  keep(100'000);
  const auto before = test::allocations();
  const auto bytes = history.bytes();
  keep(300'000);
  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(history.bytes(), bytes);
  const std::string counted(100, 'x');
  EXPECT_GT(test::allocations(), before) << "nothing is counted: " << counted.size();
}

INSTANTIATE_TEST_SUITE_P(WhicheverBoundIsReached, HistoryAllocation,
                         testing::Values(History::Limits{.messages = 1'000'000, .bytes = 2 * kMiB},
                                         History::Limits{.messages = 1'024, .bytes = kMiB}),
                         [](const auto& limits) {
                           return limits.param.bytes == kMiB ? "Both" : "Bytes";
                         });

/// Snapshots that the test delivers.
class Snapshots final : public SnapshotSource {
 public:
  void want(std::size_t book) override { wanted.push_back(book); }
  void forget(std::size_t) override {}

  std::vector<std::size_t> wanted;
};

/// Lets `payload` come as a text frame (RFC 6455, 5.2), at once.
std::string_view sifted(FrameSieve& sieve, std::string_view payload) {
  auto space = sieve.space();
  const auto put = [&](std::size_t byte) {
    space.front() = static_cast<std::uint8_t>(byte);
    space = space.subspan(1);
    sieve.filled(1);
  };
  put(0x81);
  if (payload.size() < 126) {
    put(payload.size());
  } else {
    put(126);
    put(payload.size() >> 8U);
    put(payload.size() & 0xffU);
  }
  std::memcpy(space.data(), payload.data(), payload.size());
  sieve.filled(payload.size());
  return sieve.take_message().value();
}

/// The way of a message from the decrypted bytes to libzmq, and on to a consumer of everything.
TEST(RelayAllocation, IsNoneOnceWarm) {
  test::MarketMessages market(/*symbols=*/4, /*ticks=*/400);
  Log log({.sink = [](LogLevel, std::string_view) {}});
  Measurements measurements(market.streams());
  Publisher publisher({.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {}, .linger = 0ms},
                      measurements, log);
  std::atomic<bool> is_over = false;
  std::atomic<std::uint64_t> consumed = 0;
  std::atomic<bool> is_fence_seen = false;
  std::thread consumer([&, endpoint = publisher.endpoints(Audience::everyone).front()] {
    test::Subscriber subscriber(endpoint);
    while (!is_over)
      if (const auto message = subscriber.receive(10ms))
        message->topic == kFence ? is_fence_seen = true : ++consumed;
  });
  History history({.messages = 1'024, .bytes = kMiB});
  StreamTable streams(market.streams(), "", measurements, history);
  Snapshots snapshots;
  Books books(market.depth_streams(), streams, snapshots, log);
  Relay relay(1, streams, publisher, measurements);
  relay.begin_connection(1);
  for (const auto& depth : market.depth_streams()) relay.note_state(depth, StreamState::requested);
  FrameSieve sieve(kMiB);
  sieve.handshake_is_over(/*is_compression_agreed=*/false);
  const auto relay_messages = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const auto message = sifted(sieve, market.next());
      ASSERT_EQ(relay.accept(message, Moment::now()).outcome, Relayed::Outcome::published);
      if (snapshots.wanted.empty()) continue;
      for (const auto book : snapshots.wanted)
        books.on_snapshot(book, {.last_update_id = market.last_update_id(book), .book = {}});
      snapshots.wanted.clear();
    }
  };
  relay_messages(100'000);
  for (const auto& stream : market.depth_streams())
    EXPECT_EQ(measurements.of(stream).book.value(), BookState::in_sync) << stream;
  const auto end = std::chrono::steady_clock::now() + test::kDeadline;
  while (!is_fence_seen && std::chrono::steady_clock::now() < end) {
    publisher.publish(Audience::everyone, kFence, "", {});
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_TRUE(is_fence_seen) << "nobody listens";
  const auto begin = consumed.load();
  const auto before = test::allocations();
  for (std::uint64_t relayed = 0; relayed < 100'000; relayed += 100) {
    relay_messages(100);
    // No more wait than usually do.
    while (relayed > consumed - begin + 500 && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
  }
  EXPECT_EQ(test::allocations(), before);
  is_over = true;
  consumer.join();
}

}  // namespace
}  // namespace bpx::bridge
