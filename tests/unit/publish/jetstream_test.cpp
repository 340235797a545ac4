#include "bridge/publish/jetstream.hpp"

#include "tests/support/deadline.hpp"
#include "tests/unit/publish/scripted_nats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
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

constexpr auto kLongAgo = std::chrono::seconds(60);  ///< no run that passes waits for so long

constexpr std::string_view kStored = R"({"stream":"BACKPACK","seq":1})";

class JetStreamTest : public testing::Test {
 protected:
  static void welcome(NatsPeer& peer, std::string_view info) {
    peer.greet(info);
    peer.answer(peer.hear_message(), R"({"config":{"subjects":["backpack.>"]}})");
  }

  static void store_until_the_end(NatsPeer& peer) {
    for (auto message = peer.hear_message(); !message.reply.empty(); message = peer.hear_message())
      peer.answer(message, kStored);
  }

  static JetStream::Options options(const ScriptedNats& server) {
    JetStream::Options options;
    options.servers = {{.url = {}, .host = "127.0.0.1", .port = server.port(), .is_tls = false}};
    options.stream = {.name = "BACKPACK", .subject_prefix = "backpack.", .max_age = {}};
    options.linger = std::chrono::hours(1);
    return options;
  }

  /// Four messages, of which the first connection stores all but the second. `second` is the next.
  void store_all_but_the_second(ScriptedNats::Script second) {
    const auto first = [](NatsPeer& peer) {
      welcome(peer, kUsual);
      peer.answer(peer.hear_message(), kStored);
      peer.hear_message();
      for (int i = 0; i < 2; ++i) peer.answer(peer.hear_message(), kStored);
    };
    const ScriptedNats server(std::vector<ScriptedNats::Script>{first, std::move(second)});
    JetStream sink(options(server), measurements_, log_);
    publish(sink, 4);
    sink.close().wait();
  }

  static void publish(JetStream& sink, std::uint64_t messages) {
    for (std::uint64_t sequence = 1; sequence <= messages; ++sequence)
      sink.publish(Audience::everyone, "trade.A", "{}", numbered(sequence));
  }

  static std::string sequence_of(const NatsPeer::Heard& message) {
    constexpr std::string_view kField = "Bridge-Sequence: ";
    const auto at = message.headers.find(kField);
    return message.headers.substr(at + kField.size(), 1);
  }

  static constexpr std::string_view kUsual = R"({"headers":true,"max_payload":1048576})";
  static constexpr std::string_view kNarrow = R"({"headers":true,"max_payload":1})";

  JetStreamMeasurements measurements_;
  Log log_{{.level = LogLevel::error, .format = {}, .sink = [](LogLevel, std::string_view) {}}};
};

TEST_F(JetStreamTest, SendsAgainWhatWasNotStoredAndNothingElse) {
  store_all_but_the_second([](NatsPeer& peer) {
    welcome(peer, kUsual);
    const auto message = peer.hear_message();
    EXPECT_EQ(sequence_of(message), "2");
    peer.answer(message, kStored);
    EXPECT_THAT(peer.wait_for_end(), ElementsAre());
  });
  EXPECT_EQ(measurements_.acknowledged.value(), 4U);
  EXPECT_EQ(measurements_.pending(), 0U);
}

TEST_F(JetStreamTest, SendsAgainWhatIsNeverAnsweredThoughOthersAre) {
  const auto first = [](NatsPeer& peer) {
    welcome(peer, kUsual);
    peer.answer(peer.hear_message(), kStored);
    peer.hear_message();  // and is lost with the leader that took it
    store_until_the_end(peer);
  };
  const auto second = [](NatsPeer& peer) {
    welcome(peer, kUsual);
    const auto message = peer.hear_message();
    EXPECT_EQ(sequence_of(message), "2");
    peer.answer(message, kStored);
    store_until_the_end(peer);
  };
  const auto later = [](NatsPeer& peer) {  // where answers were long in coming
    welcome(peer, kUsual);
    store_until_the_end(peer);
  };
  const ScriptedNats server(std::vector<ScriptedNats::Script>{first, second, later});
  auto options = this->options(server);
  options.answer_patience = std::chrono::milliseconds(100);
  JetStream sink(options, measurements_, log_);
  std::uint64_t sequence = 0;
  while (measurements_.connects.value() < 2) {  // as a market goes on, no faster than the peer is
    if (measurements_.pending() < 64)
      sink.publish(Audience::everyone, "trade.A", "{}", numbered(++sequence));
    else
      std::this_thread::yield();
  }
  sink.close().wait();
  EXPECT_EQ(measurements_.acknowledged.value(), measurements_.published.value());
}

TEST_F(JetStreamTest, StoresNothingAgainAndAgainBehindAMessageThatIsRefused) {
  constexpr std::string_view kRefused =
      R"({"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}})";
  std::vector<std::string> heard;
  const auto attempt = [&heard](std::string_view answer) {
    return [&heard, answer](NatsPeer& peer) {
      welcome(peer, kUsual);
      const auto message = peer.hear_message();
      heard.push_back(sequence_of(message));
      peer.answer(message, answer);
      if (answer == kStored)
        for (int i = 0; i < 2; ++i) peer.answer(peer.hear_message(), kStored);
      EXPECT_THAT(peer.wait_for_end(), ElementsAre());
    };
  };
  {
    const ScriptedNats server(
        std::vector<ScriptedNats::Script>{attempt(kRefused), attempt(kRefused), attempt(kStored)});
    JetStream sink(options(server), measurements_, log_);
    publish(sink, 3);
    sink.close().wait();
  }  // and with the server has ended the thread that notes what it heard
  EXPECT_THAT(heard, ElementsAre("1", "1", "1"));
  EXPECT_EQ(measurements_.acknowledged.value(), 3U);
}

TEST_F(JetStreamTest, ComesBackEverMoreSlowlyToAServerThatTakesOneMessageAtATime) {
  const ScriptedNats server([](NatsPeer& peer) {
    welcome(peer, kUsual);
    peer.answer(peer.hear_message(), kStored);
    peer.hear_message();  // the next one comes once that is known
  });
  std::mutex mutex;
  std::string lines;
  Log log({.level = LogLevel::warn, .format = {}, .sink = [&](LogLevel, std::string_view line) {
             const std::lock_guard lock(mutex);
             lines.append(line);
           }});
  {
    JetStream sink(options(server), measurements_, log);
    publish(sink, 4);
    sink.close().wait();
  }
  const std::lock_guard lock(mutex);
  for (const auto* retry : {"retry_ms=100", "retry_ms=200", "retry_ms=400"})
    EXPECT_THAT(lines, HasSubstr(retry));
}

TEST_F(JetStreamTest, TakesNoAnswerForAStoredMessageThatHasNoNumber) {
  const auto first = [](NatsPeer& peer) {
    welcome(peer, kUsual);
    peer.answer(peer.hear_message(), R"({"stream":"error","seq":0,"duplicate":true})");
    peer.wait_for_end();
  };
  const auto second = [](NatsPeer& peer) {
    welcome(peer, kUsual);
    peer.answer(peer.hear_message(), R"({"stream":"error","seq":1})");  // which is but its name
    peer.wait_for_end();
  };
  const ScriptedNats server(std::vector<ScriptedNats::Script>{first, second});
  auto options = this->options(server);
  options.stream.name = "error";
  JetStream sink(options, measurements_, log_);
  publish(sink, 1);
  sink.close().wait();
  EXPECT_EQ(measurements_.acknowledged.value(), 1U);
}

TEST_F(JetStreamTest, GoesOnBehindWhatWasStoredWhereTheServerTakesNoMessageLikeTheOneBefore) {
  store_all_but_the_second([](NatsPeer& peer) {
    welcome(peer, kNarrow);
    EXPECT_THAT(peer.wait_for_end(), ElementsAre());
  });
  EXPECT_EQ(measurements_.acknowledged.value(), 3U);
  EXPECT_EQ(measurements_.refused.value(), 1U);
  EXPECT_EQ(measurements_.pending(), 0U);
}

TEST_F(JetStreamTest, TakesWhatElseIsStoredBehindAMessageThatIsRefused) {
  const auto first = [](NatsPeer& peer) {
    welcome(peer, kUsual);
    peer.answer(peer.hear_message(), kStored);
    const auto refused = peer.hear_message(), third = peer.hear_message(),
               fourth = peer.hear_message();
    peer.answer(refused, R"({"error":{"code":503,"err_code":10077,"description":"not now"}})");
    peer.say("PING\r\n");
    peer.hear("PONG\r\n");  // and so it has been read
    peer.answer(third, kStored);
    peer.answer(fourth, kStored);
    EXPECT_THAT(peer.wait_for_end(), ElementsAre()) << "nothing more until it connects again";
  };
  const auto second = [](NatsPeer& peer) {
    welcome(peer, kUsual);
    const auto message = peer.hear_message();
    EXPECT_EQ(sequence_of(message), "2");
    peer.answer(message, kStored);
    EXPECT_THAT(peer.wait_for_end(), ElementsAre());
  };
  const ScriptedNats server(std::vector<ScriptedNats::Script>{first, second});
  JetStream sink(options(server), measurements_, log_);
  publish(sink, 4);
  sink.close().wait();
  EXPECT_EQ(measurements_.acknowledged.value(), 4U);
}

TEST_F(JetStreamTest, ObeysALimitOfTheAccountThatIsLowerThanTheServers) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.say("INFO " + std::string(kUsual) + "\r\n");
    peer.hear("PING\r\n");
    peer.say("INFO {\"max_payload\":500}\r\nPONG\r\n");
    peer.answer(peer.hear_message(), R"({"config":{"subjects":["backpack.>"]}})");
    store_until_the_end(peer);
  });
  JetStream sink(options(server), measurements_, log_);
  sink.publish(Audience::everyone, "trade.A", std::string(1'000, ' '), numbered(1));
  sink.publish(Audience::everyone, "trade.A", "{}", numbered(2));
  sink.close().wait();
  EXPECT_EQ(measurements_.refused.value(), 1U);
  EXPECT_EQ(measurements_.acknowledged.value(), 1U);
}

TEST_F(JetStreamTest, PassesOverWhatOthersAnswer) {
  const ScriptedNats server([](NatsPeer& peer) {
    welcome(peer, kUsual);
    const auto message = peer.hear_message();
    for (const auto* answer : {"+ACK", "", "{}", "[]", R"({"stream":"OTHER", "seq":7})"})
      peer.answer(message, answer);
    peer.say("PING\r\n");
    EXPECT_EQ(peer.hear("PONG\r\n"), "PONG\r\n") << "it has left";
    peer.answer(message, kStored);
    peer.wait_for_end();
  });
  JetStream sink(options(server), measurements_, log_);
  publish(sink, 1);
  sink.close().wait();
  EXPECT_EQ(measurements_.acknowledged.value(), 1U);
  EXPECT_EQ(measurements_.refused.value(), 0U);
}

TEST_F(JetStreamTest, LosesNoOtherStreamWhereOneMayNotBePublished) {
  const ScriptedNats server([](NatsPeer& peer) {
    welcome(peer, kUsual);
    for (auto message = peer.hear_message(); !message.reply.empty(); message = peer.hear_message())
      if (message.subject == "backpack.trade.FORBIDDEN")
        peer.say("-ERR 'Permissions Violation for Publish to \"" + message.subject + "\"'\r\n");
      else
        peer.answer(message, kStored);
  });
  JetStream sink(options(server), measurements_, log_);
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence)
    for (const auto* stream : {"trade.FORBIDDEN", "trade.A"})
      sink.publish(Audience::everyone, stream, "{}", numbered(sequence));
  sink.close().wait();
  EXPECT_EQ(measurements_.acknowledged.value(), 5U);
  EXPECT_EQ(measurements_.refused.value(), 5U);
  EXPECT_EQ(measurements_.pending(), 0U);
}

TEST_F(JetStreamTest, WaitsForNoTurnWhereOneMessageFillsTheWindow) {
  const ScriptedNats server([](NatsPeer& peer) {
    welcome(peer, kUsual);
    store_until_the_end(peer);
  });
  auto options = this->options(server);
  options.max_pending = 1;
  options.turn = std::chrono::hours(1);
  JetStream sink(options, measurements_, log_);
  for (std::uint64_t sequence = 1; sequence <= 20; ++sequence) {
    sink.publish(Audience::everyone, "trade.A", "{}", numbered(sequence));
    ASSERT_TRUE(test::comes_true([&] { return measurements_.acknowledged.value() == sequence; }));
  }
  EXPECT_EQ(measurements_.lost(), 0U);
}

TEST_F(JetStreamTest, IsClosedWhileAServerIsSilentThoughItWouldBeWaitedFor) {
  std::promise<void> is_there;
  const ScriptedNats server([&](NatsPeer& peer) {
    is_there.set_value();
    peer.wait_for_end();
  });
  auto options = this->options(server);
  options.patience = std::chrono::hours(1);
  JetStream sink(options, measurements_, log_);
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
    if (sequence < kQuarter) continue;  // so many may be left for the next turn
    ASSERT_TRUE(stored.try_acquire_for(kLongAgo));
  }
  sink.close().wait();
  EXPECT_EQ(measurements_.acknowledged.value(), kMessages);
  EXPECT_EQ(measurements_.lost(), 0U);
}

}  // namespace
}  // namespace bpx::bridge
