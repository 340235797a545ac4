#include "tests/support/deflater.hpp"
#include "tests/support/message_frames.hpp"
#include "tests/support/running_bridge.hpp"
#include "tests/support/sanitized.hpp"
#include "tests/support/scripted_websocket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <semaphore>
#include <thread>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;
using Frame = WebSocketFrame;

constexpr std::uint8_t kRsv1 = 4;

std::string with_data(const std::string& letters) {
  return R"({"data":")" + letters + R"(","stream":"trade.A"})";
}

/// A message of exactly so many bytes.
std::string of_size(std::size_t size) {
  return with_data(std::string(size - with_data("").size(), 'x'));
}

/// A bridge whose exchange is written by hand.
class WebSocketTraffic : public testing::Test {
 protected:
  void start(bool compression = false, std::chrono::milliseconds idle_timeout = 90s,
             std::uint64_t linger_ms = 500) {
    auto config = test_config(exchange_, directory_, {"trade.A"});
    config.upstream.url = server_.url();
    config.upstream.compression = compression;
    config.upstream.idle_timeout_ms = static_cast<std::uint64_t>(idle_timeout.count());
    config.publish.linger_ms = linger_ms;
    bridge_.emplace(config);
    consumer_.emplace(bridge_->public_endpoint());
  }

  void expect_received(const std::vector<std::string>& sent) {
    for (std::size_t i = 0; i < sent.size(); ++i) {
      const auto message = consumer_->next();
      ASSERT_TRUE(message) << i << " of " << sent.size() << '\n' << bridge_->log();
      ASSERT_TRUE(message->payload == sent[i])  // too long to be shown
          << i << ": " << sent[i].size() << " bytes sent, received " << message->payload.size();
      ASSERT_EQ(message->header.connection, 1U);
    }
  }

  /// That the bridge leaves for `reason`, with words that contain `detail`, and comes back.
  void expect_left(const std::string& reason, const std::string& detail) {
    const auto status = consumer_->wait_for_status(R"("event":"disconnected")");
    ASSERT_TRUE(status) << bridge_->log();
    EXPECT_THAT(status->payload, HasSubstr(R"("reason":")" + reason + '"'));
    EXPECT_TRUE(bridge_->wait_for_log(detail)) << bridge_->log();
    ASSERT_TRUE(server_.accept());
    ASSERT_TRUE(server_.say(Frame{.payload = with_data("back")}.bytes()));
    const auto message = consumer_->next();
    ASSERT_TRUE(message) << bridge_->log();
    EXPECT_EQ(message->payload, with_data("back"));
    EXPECT_EQ(message->header.connection, 2U);
  }

  SimulatedExchange exchange_{ExchangeOptions{}};  ///< for what goes over REST
  TemporaryDirectory directory_;
  ScriptedWebSocket server_;
  std::optional<RunningBridge> bridge_;
  std::optional<ReadySubscriber> consumer_;
};

/// A few bytes inflate to so many that no buffer takes them at once, and of short frames several
/// come before it has room again: of some such messages Beast 1.81 loses a part, silently.
TEST_F(WebSocketTraffic, OfLongRunsInShortCompressedFramesIsCarriedUnaltered) {
  start(true);
  ASSERT_TRUE(server_.accept("permessage-deflate; server_no_context_takeover"));
  EXPECT_THAT(server_.request(), HasSubstr("permessage-deflate"));
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    const std::vector<std::string> sent{with_data(std::string(1 + random() % 60'000, 'x'))};
    const Frame whole{.payload = Deflater(false).payload_of(sent.front()), .reserved = kRsv1};
    ASSERT_TRUE(server_.say(fragments(whole, 4 + random() % 3, random)));
    ASSERT_NO_FATAL_FAILURE(expect_received(sent)) << "message " << i;
  }
}

/// Of the agreements there can be: whether messages refer back to others, and how far.
struct Agreement {
  std::string name;
  std::string extension;
  bool takes_context_over;
  int window_bits;
};

void PrintTo(const Agreement& agreement, std::ostream* os) { *os << agreement.name; }

class CompressedTraffic : public WebSocketTraffic, public testing::WithParamInterface<Agreement> {};

/// Against zlib, which the bridge inflates by too: what differs between here and there is how the
/// bytes are cut, into frames, writes and reads.
TEST_P(CompressedTraffic, ComesOutAsItWasSentHoweverItIsCut) {
  start(true);
  ASSERT_TRUE(server_.accept(GetParam().extension));
  std::mt19937 random(7);
  Deflater deflater(GetParam().takes_context_over, GetParam().window_bits);
  const auto ping = [] { return Frame{.opcode = Frame::ping, .payload = "between"}.bytes(); };
  for (int round = 0; round < 60; ++round) {
    std::string bytes;
    std::vector<std::string> sent;
    for (auto messages = 1 + random() % 6; messages > 0; --messages) {
      const double magnitude = std::uniform_real_distribution<>(0, std::log(300'000))(random);
      sent.push_back(
          with_data(random_letters(static_cast<std::size_t>(std::exp(magnitude)), random)));
      if (random() % 8 == 0) {  // not everything has to be compressed
        bytes += Frame{.payload = sent.back()}.bytes();
        continue;
      }
      const Frame whole{.payload = deflater.payload_of(sent.back()), .reserved = kRsv1};
      bytes += fragments(whole, 1 + random() % 6, random,
                         [&] { return random() % 3 == 0 ? ping() : std::string(); });
    }
    const auto at_once =
        bytes.size() < 5'000 && random() % 2 == 0 ? 1 + random() % 9 : 100 + random() % 70'000;
    ASSERT_TRUE(server_.say(bytes, at_once)) << bridge_->log();
    ASSERT_NO_FATAL_FAILURE(expect_received(sent)) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(
    ByEachAgreement, CompressedTraffic,
    testing::Values(Agreement{"WithContext", "permessage-deflate", true, 15},
                    Agreement{"WithoutContext", "permessage-deflate; server_no_context_takeover",
                              false, 15},
                    Agreement{"OfASmallWindow",
                              "permessage-deflate; server_no_context_takeover; "
                              "server_max_window_bits=\"9\"; client_max_window_bits=12",
                              true, 9}),
    [](const auto& agreement) { return agreement.param.name; });

/// Messages whose bodies are taken from one long text of prices and sizes: both ends can make the
/// same ones, and each refers back to many before it.
class DepthMessages {
 public:
  DepthMessages() {
    std::mt19937 random(13);
    while (text_.size() < std::size_t{1} << 20U)
      text_ += "[1" + std::to_string(1'000 + random() % 9'000) + '.' +
               std::to_string(random() % 100) + ",0." + std::to_string(random() % 10'000) + "],";
  }

  /// The next one, of 1.4 to 8 KB, the shorter the likelier.
  std::string next() {
    const double magnitude =
        std::uniform_real_distribution<>(std::log(1'400), std::log(8'000))(random_);
    const auto size = static_cast<std::size_t>(std::exp(magnitude));
    return with_data(text_.substr(random_() % (text_.size() - size), size));
  }

 private:
  std::string text_;
  std::mt19937 random_{17};
};

TEST_F(WebSocketTraffic, OfAHundredThousandMessagesThatReferBackComesOutByteForByte) {
  constexpr int kMessages = kIsSanitized ? 5'000 : 100'000;
  constexpr int kUnread = 2'000;  // far fewer than wait for a slow consumer
  start(true);
  ASSERT_TRUE(server_.accept("permessage-deflate"));
  std::counting_semaphore room(kUnread);
  std::thread exchange([&] {
    Deflater deflater(true, MAX_WBITS, Z_BEST_SPEED);
    DepthMessages messages;
    for (int i = 0; i < kMessages; ++i) {
      room.acquire();
      const auto payload = deflater.payload_of(messages.next());
      if (!server_.say(Frame{.payload = payload, .reserved = kRsv1}.bytes())) return;
    }
  });
  DepthMessages messages;
  int same = 0;
  for (; same < kMessages; ++same) {
    const auto message = consumer_->next(60s);
    if (!message || message->payload != messages.next()) break;
    room.release();
  }
  room.release(kMessages);  // where it was broken off
  exchange.join();
  EXPECT_EQ(same, kMessages) << bridge_->log();
}

TEST_F(WebSocketTraffic, OfEveryKindMixedComesOutVerbatimAndInOrder) {
  std::mt19937 random(11);
  Deflater deflater(true);
  std::vector<std::string> sent;
  std::string bytes;
  const auto control = [&] {
    std::string frames;
    for (auto count = random() % 3; count > 0; --count)
      frames += Frame{.opcode = random() % 2 == 0 ? Frame::ping : Frame::pong,
                      .payload = std::string(random() % 126, 'c')}
                    .bytes();
    return frames;
  };
  const std::vector<std::size_t> sizes = {31,     124,    125,    126,    127,    200,
                                          1'535,  1'536,  1'537,  4'096,  65'515, 65'525,
                                          65'526, 65'530, 65'535, 65'536, 65'537, 200'000};
  for (int round = 0; round < 6; ++round)
    for (const auto size : sizes) {
      sent.push_back(of_size(size));
      const bool is_compressed = random() % 3 == 0;
      const Frame whole{.payload = is_compressed ? deflater.payload_of(sent.back()) : sent.back(),
                        .reserved = is_compressed ? kRsv1 : std::uint8_t{0}};
      bytes += control();
      bytes += fragments(whole, random() % 2 == 0 ? 1 : 1 + random() % 5, random, control);
    }
  start(true);
  // The answer and the first frames arrive in one: those end in the middle of one.
  const auto with_answer = std::string_view(bytes).substr(0, 3'000);
  ASSERT_TRUE(server_.accept("permessage-deflate", with_answer));
  std::string_view rest = std::string_view(bytes).substr(with_answer.size());
  while (!rest.empty()) {
    const auto part = rest.substr(0, 1 + random() % 100'000);
    ASSERT_TRUE(server_.say(part, random() % 4 == 0 ? 997 : std::string_view::npos));
    rest.remove_prefix(part.size());
  }
  expect_received(sent);
}

TEST_F(WebSocketTraffic, ThatCannotBeInflatedIsLeftWithWordsThatSayWhatToDo) {
  start(true);
  ASSERT_TRUE(server_.accept("permessage-deflate"));
  ASSERT_TRUE(server_.say(Frame{.payload = "\x07nonsense", .reserved = kRsv1}.bytes()));
  expect_left("protocol", "set upstream.compression to false");
}

TEST_F(WebSocketTraffic, ThatIsCompressedAndCutShortIsNotPublished) {
  start(true);
  ASSERT_TRUE(server_.accept("permessage-deflate"));
  auto payload = Deflater(true).payload_of(with_data("whole"));
  payload.resize(payload.size() - 2);
  ASSERT_TRUE(server_.say(Frame{.payload = payload, .reserved = kRsv1}.bytes()));
  expect_left("protocol", "cannot be inflated");
}

TEST_F(WebSocketTraffic, ThatInflatesToNoUtf8IsLeft) {
  start(true);
  ASSERT_TRUE(server_.accept("permessage-deflate"));
  const auto payload = Deflater(true).payload_of(with_data("\xff"));
  ASSERT_TRUE(server_.say(Frame{.payload = payload, .reserved = kRsv1}.bytes()));
  expect_left("protocol", "not valid UTF-8");
}

TEST_F(WebSocketTraffic, ThatBreaksIntoACompressedMessageIsLeft) {
  start(true);
  ASSERT_TRUE(server_.accept("permessage-deflate"));
  const auto payload = Deflater(true).payload_of(with_data("begun"));
  ASSERT_TRUE(server_.say(Frame{.payload = payload, .is_last = false, .reserved = kRsv1}.bytes() +
                          Frame{.payload = with_data("within")}.bytes()));
  expect_left("protocol", "before a compressed one had ended");
}

TEST_F(WebSocketTraffic, ThatWasNotAgreedToBeCompressedIsLeft) {
  start(true);
  ASSERT_TRUE(server_.accept());
  const auto payload = Deflater(true).payload_of(with_data("unasked"));
  ASSERT_TRUE(server_.say(Frame{.payload = payload, .reserved = kRsv1}.bytes()));
  expect_left("protocol", "reserved bits");
}

TEST_F(WebSocketTraffic, IsInflatedWhicheverOfSeveralHeadersGrantsIt) {
  start(true);
  ASSERT_TRUE(server_.accept("\r\nSec-WebSocket-Extensions: Permessage-Deflate"));
  const auto payload = Deflater(true).payload_of(with_data("granted"));
  ASSERT_TRUE(server_.say(Frame{.payload = payload, .reserved = kRsv1}.bytes()));
  expect_received({with_data("granted")});
}

TEST_F(WebSocketTraffic, IsNotBegunWithAnExtensionThatWasNotOffered) {
  start(true);
  ASSERT_TRUE(server_.accept("permessage-deflate\r\nSec-WebSocket-Extensions: x-made-up; a=1"));
  EXPECT_TRUE(bridge_->wait_for_log("the WebSocket extension x-made-up, which was not offered"))
      << bridge_->log();
  EXPECT_TRUE(bridge_->wait_for_metric(R"(upstream_connects_total{result="handshake"})", 1));
  ASSERT_TRUE(server_.accept("permessage-deflate"));
  EXPECT_TRUE(bridge_->wait_for_metric("upstream_connected", 1));
}

TEST_F(WebSocketTraffic, IsNotBegunWithCompressionThatWasNotOffered) {
  start();
  ASSERT_TRUE(server_.accept("permessage-deflate"));
  EXPECT_TRUE(bridge_->wait_for_log("permessage-deflate, which was not offered")) << bridge_->log();
}

/// Until its Pong is out, nothing is read: what has been sent meanwhile did not fail to come.
TEST_F(WebSocketTraffic, OfPingsWhosePongsAreNotTakenIsLeftWithWordsThatAreTrue) {
  server_.keep_segments_small();
  start(false, 12s);
  ASSERT_TRUE(server_.accept());
  std::string pings;
  while (pings.size() < 60'000)
    pings += Frame{.opcode = Frame::ping, .payload = std::string(125, 'p')}.bytes();
  while (server_.say(pings)) continue;
  expect_left("idle", "nothing read for");
}

/// Its Close frame is not answered here: the bridge waits a while before it ends.
TEST_F(WebSocketTraffic, IsFollowedByNoHeartbeatOnceTheShutdownIsAnnounced) {
  start(false, 90s, kLingerMs);
  ASSERT_TRUE(server_.accept());
  ASSERT_TRUE(consumer_->wait_for_status("connected"));
  bridge_->stop();
  ASSERT_TRUE(consumer_->wait_for_status("shutdown"));
  consumer_->wait_for_end();  // of its connection: then all that was sent has come
  EXPECT_FALSE(consumer_->wait_for_status("heartbeat", 0ms));
}

}  // namespace
}  // namespace bpx::test
