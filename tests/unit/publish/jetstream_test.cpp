#include "bridge/publish/jetstream.hpp"

#include "tests/unit/publish/scripted_nats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {
namespace {

using test::NatsPeer;
using test::ScriptedNats;
using testing::ElementsAre;
using testing::HasSubstr;

proto::MessageHeader numbered(std::uint64_t sequence) {
  proto::MessageHeader header;
  header.sequence = sequence;
  return header;
}

constexpr std::string_view kStored = R"({"stream":"BACKPACK","seq":1})";

class JetStreamTest : public testing::Test {
 protected:
  static void welcome(NatsPeer& peer, std::string_view info) {
    peer.greet(info);
    peer.answer(peer.hear_message(), R"({"config":{"subjects":["backpack.>"]}})");
  }

  static JetStream::Options options(const ScriptedNats& server) {
    JetStream::Options options;
    options.servers = {{.url = {}, .host = "127.0.0.1", .port = server.port(), .is_tls = false}};
    options.stream = {.name = "BACKPACK", .subject_prefix = "backpack.", .max_age = {}};
    options.linger = std::chrono::hours(1);
    return options;
  }

  /// Three messages, of which the first connection stores all but the first. `second` is the next.
  void store_all_but_the_first(ScriptedNats::Script second) {
    const auto first = [](NatsPeer& peer) {
      welcome(peer, kUsual);
      peer.hear_message();
      for (int i = 0; i < 2; ++i) peer.answer(peer.hear_message(), kStored);
    };
    const ScriptedNats server(std::vector<ScriptedNats::Script>{first, std::move(second)});
    JetStream sink(options(server), measurements_, log_);
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence)
      sink.publish(Audience::everyone, "trade.A", "{}", numbered(sequence));
    sink.close().wait();
  }

  static constexpr std::string_view kUsual = R"({"headers":true,"max_payload":1048576})";
  static constexpr std::string_view kNarrow = R"({"headers":true,"max_payload":1})";

  JetStreamMeasurements measurements_;
  Log log_{{.level = LogLevel::error, .format = {}, .sink = [](LogLevel, std::string_view) {}}};
};

TEST_F(JetStreamTest, SendsAgainWhatWasNotStoredAndNothingElse) {
  store_all_but_the_first([](NatsPeer& peer) {
    welcome(peer, kUsual);
    const auto message = peer.hear_message();
    EXPECT_THAT(message.headers, HasSubstr("Bridge-Sequence: 1\r\n"));
    peer.answer(message, kStored);
    EXPECT_THAT(peer.wait_for_end(), ElementsAre());
  });
  EXPECT_EQ(measurements_.acknowledged.value(), 3U);
  EXPECT_EQ(measurements_.pending(), 0U);
}

TEST_F(JetStreamTest, GoesOnBehindWhatWasStoredWhereTheServerTakesNoMessageLikeTheOneBefore) {
  store_all_but_the_first([](NatsPeer& peer) {
    welcome(peer, kNarrow);
    EXPECT_THAT(peer.wait_for_end(), ElementsAre());
  });
  EXPECT_EQ(measurements_.acknowledged.value(), 2U);
  EXPECT_EQ(measurements_.refused.value(), 1U);
  EXPECT_EQ(measurements_.pending(), 0U);
}

TEST_F(JetStreamTest, IsClosedWhileAServerIsSilentThoughItWouldBeWaitedFor) {
  std::promise<void> is_there;
  const ScriptedNats server([&](NatsPeer& peer) {
    is_there.set_value();
    peer.wait_for_end();
  });
  JetStream sink(options(server), measurements_, log_);
  is_there.get_future().wait();
  sink.close().wait();  // nothing waits to be stored
  EXPECT_FALSE(measurements_.connected.value());
}

TEST_F(JetStreamTest, WaitsForNoTurnWhereWhatComesWouldFillTheWindow) {
  constexpr std::uint64_t kMessages = 10'000;
  constexpr std::size_t kWindow = 64, kQuarter = kWindow / 4;
  std::counting_semaphore<> stored(0);
  const ScriptedNats server([&](NatsPeer& peer) {
    welcome(peer, kUsual);
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      peer.answer(peer.hear_message(), kStored);
      stored.release();
    }
  });
  auto options = this->options(server);
  options.max_pending = kWindow;
  options.turn = std::chrono::hours(1);
  JetStream sink(options, measurements_, log_);
  for (std::uint64_t sequence = 1; sequence <= kMessages; ++sequence) {
    sink.publish(Audience::everyone, "trade.A", "{}", numbered(sequence));
    if (sequence >= kQuarter) stored.acquire();  // only a quarter may be left for the next turn
  }
  sink.close().wait();
  EXPECT_EQ(measurements_.acknowledged.value(), kMessages);
  EXPECT_EQ(measurements_.lost(), 0U);
}

}  // namespace
}  // namespace bpx::bridge
