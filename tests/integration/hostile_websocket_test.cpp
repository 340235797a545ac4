#include "tests/support/running_bridge.hpp"
#include "tests/support/sanitized.hpp"
#include "tests/support/websocket_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
namespace fault = exchange::fault;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kGood = R"({"data":1,"stream":"trade.A"})";

/// An exchange that writes the frames of its WebSocket itself, and a bridge.
class HostileWebSocket : public testing::Test {
 protected:
  void start(const std::function<void(bridge::Config&)>& change = {}) {
    auto config = test_config(exchange_, directory_, {"trade.A"});
    if (change) change(config);
    bridge_.emplace(config);
    consumer_.emplace(bridge_->public_endpoint());
    ASSERT_TRUE(exchange_.wait_for_subscription("trade.A"));
  }

  void send(const std::string& bytes) {
    exchange_.apply(fault::Garbage{.text = bytes, .layer = fault::Garbage::Layer::bytes});
  }

  /// That the bridge names `reason`, connects anew, and carries what comes then.
  void expect_disconnect(std::string_view reason) {
    const auto status = consumer_->wait_for_status(R"("event":"disconnected")");
    ASSERT_TRUE(status) << bridge_->log();
    EXPECT_THAT(status->payload, HasSubstr(R"("reason":")" + std::string(reason) + '"'))
        << bridge_->log();
    ASSERT_TRUE(exchange_.wait_for_connections(2));
    ASSERT_TRUE(exchange_.wait_for_subscription("trade.A"));
    expect_good(2);
  }

  void expect_good(std::uint32_t connection) {
    exchange_.publish("trade.A", "1");
    const auto message = consumer_->next();
    ASSERT_TRUE(message) << bridge_->log();
    EXPECT_EQ(message->payload, kGood);
    EXPECT_EQ(message->header.connection, connection) << bridge_->log();
  }

  SimulatedExchange exchange_{ExchangeOptions{}};
  TemporaryDirectory directory_;
  std::optional<RunningBridge> bridge_;
  std::optional<ReadySubscriber> consumer_;
};

/// A line of /proc/self/status, in bytes.
std::size_t memory(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) return std::stoul(line.substr(name.size())) * 1024;
  return 0;
}

TEST_F(HostileWebSocket, OfADeflateBombIsLeftBeforeItFillsTheMemory) {
  start([](bridge::Config& config) { config.upstream.compression = true; });
  ASSERT_TRUE(exchange_.deflate_negotiated());
  const auto bomb =
      WebSocketFrame{.payload = deflated_x(std::size_t{512} << 20U), .reserved = 4}.bytes();
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak is measured from here
  const auto before = memory("VmRSS:");
  send(bomb);
  expect_disconnect("oversized");
  const auto grown = memory("VmHWM:") - std::min(before, memory("VmHWM:"));
  RecordProperty("grown_bytes", std::to_string(grown));
  if (!kIsSanitized) {  // a sanitizer keeps what was given back
    // upstream.max_message_bytes, again where the buffer grows, and the bomb as it is sent.
    EXPECT_LT(grown, std::size_t{96} << 20U);
  }
}

TEST_F(HostileWebSocket, OfManySmallBombsIsCountedAndKept) {
  start([](bridge::Config& config) { config.upstream.compression = true; });
  const auto bomb = WebSocketFrame{.payload = deflated_x(1'000'000), .reserved = 4}.bytes();
  std::string bombs;
  for (int i = 0; i < 50; ++i) bombs += bomb;
  send(bombs);
  expect_good(1);
  EXPECT_EQ(bridge_->metric("malformed_messages_total"), 50);
}

TEST_F(HostileWebSocket, OfAMessageThatNeverEndsIsLeftAtTheBound) {
  start([](bridge::Config& config) { config.upstream.max_message_bytes = 100'000; });
  std::string fragments;
  for (int i = 0; i < 1'000; ++i)
    fragments +=
        WebSocketFrame{.opcode = i == 0 ? WebSocketFrame::text : WebSocketFrame::continuation,
                       .payload = std::string(1'000, 'x'),
                       .is_last = false}
            .bytes();
  send(fragments);
  expect_disconnect("oversized");
}

TEST_F(HostileWebSocket, OfASingleFrameThatClaimsFourExabytesIsLeftAtTheBound) {
  start([](bridge::Config& config) { config.upstream.max_message_bytes = 100'000; });
  send('\x81' + WebSocketFrame{}.length(std::uint64_t{1} << 62U) + std::string(200'000, 'x'));
  expect_disconnect("oversized");
}

TEST_F(HostileWebSocket, OfAMessageInBytesWithPingsAndNothingBetweenIsCarriedWhole) {
  start();
  std::string frames;
  for (std::size_t i = 0; i < kGood.size(); ++i) {
    const auto opcode = i == 0 ? WebSocketFrame::text : WebSocketFrame::continuation;
    frames +=
        WebSocketFrame{
            .opcode = opcode, .payload = std::string(1, kGood[i]), .is_last = i + 1 == kGood.size()}
            .bytes();
    if (i + 1 == kGood.size()) break;
    frames += WebSocketFrame{.opcode = WebSocketFrame::continuation, .is_last = false}.bytes();
    frames += WebSocketFrame{.opcode = WebSocketFrame::ping, .payload = "in between"}.bytes();
  }
  send(frames);
  const auto message = consumer_->next();
  ASSERT_TRUE(message) << bridge_->log();
  EXPECT_EQ(message->payload, kGood);
  expect_good(1);
  EXPECT_EQ(bridge_->metric("malformed_messages_total"), 0);
}

TEST_F(HostileWebSocket, OfEmptyFragmentsAndPingsWithoutEndGoesOnCarrying) {
  start();
  std::string flood = WebSocketFrame{.is_last = false}.bytes();
  const auto fragment =
      WebSocketFrame{.opcode = WebSocketFrame::continuation, .is_last = false}.bytes();
  const auto ping =
      WebSocketFrame{.opcode = WebSocketFrame::ping, .payload = std::string(125, 'p')}.bytes();
  for (int i = 0; i < 20'000; ++i) flood.append(fragment).append(ping);
  flood +=
      WebSocketFrame{.opcode = WebSocketFrame::continuation, .payload = std::string(kGood)}.bytes();
  send(flood);
  const auto message = consumer_->next();
  ASSERT_TRUE(message) << bridge_->log();
  EXPECT_EQ(message->payload, kGood);
  expect_good(1);
}

TEST_F(HostileWebSocket, CutOffInTheMiddleOfAMessagePublishesNothingOfIt) {
  start();
  // Binary: the Pong behind it counts as payload, and is no UTF-8.
  send('\x82' + WebSocketFrame{}.length(1'000) + std::string(kGood));
  exchange_.apply(fault::Drop{.reset = false});
  expect_disconnect("reset");
  EXPECT_TRUE(bridge_->wait_for_log("look at the network and at proxies in between"));
}

/// Bytes that no WebSocket server may send.
struct Violation {
  std::string name;
  std::string bytes;
};

void PrintTo(const Violation& violation, std::ostream* os) { *os << violation.name; }

class HostileViolation : public HostileWebSocket, public testing::WithParamInterface<Violation> {};

TEST_P(HostileViolation, EndsTheConnectionByItsNameAndTheNextOneCarries) {
  start();
  send(GetParam().bytes);
  expect_disconnect("protocol");
}

using Frame = WebSocketFrame;
INSTANTIATE_TEST_SUITE_P(
    OfTheProtocol, HostileViolation,
    testing::Values(
        Violation{"InvalidUtf8", Frame{.payload = R"({"data":")"
                                                  "\xff\xfe"
                                                  R"("})"}
                                     .bytes()},
        Violation{"PingOf126Bytes",
                  Frame{.opcode = Frame::ping, .payload = std::string(126, 'x')}.bytes()},
        Violation{"PingOfAMegabyte",
                  Frame{.opcode = Frame::ping, .payload = std::string(1'000'000, 'x')}.bytes()},
        Violation{"PingInFragments", Frame{.opcode = Frame::ping, .is_last = false}.bytes()},
        Violation{"UnknownOpcode", Frame{.opcode = 3, .payload = "x"}.bytes()},
        Violation{"ReservedBit", Frame{.payload = "{}", .reserved = 2}.bytes()},
        Violation{"CompressionThatWasNotNegotiated",
                  Frame{.payload = deflated_x(100), .reserved = 4}.bytes()},
        Violation{"MaskedFrame", Frame{.payload = "{}", .is_masked = true}.bytes()},
        Violation{"ContinuationOfNothing",
                  Frame{.opcode = Frame::continuation, .payload = "x"}.bytes()},
        Violation{"MessageWithinAMessage", Frame{.payload = "{", .is_last = false}.bytes() +
                                               Frame{.payload = std::string(kGood)}.bytes()},
        Violation{"CloseOfOneByte", Frame{.opcode = Frame::close, .payload = "x"}.bytes()},
        Violation{"CloseWith1005",
                  Frame{.opcode = Frame::close, .payload = close_payload(1005)}.bytes()},
        Violation{"CloseWith999",
                  Frame{.opcode = Frame::close, .payload = close_payload(999)}.bytes()},
        Violation{"CloseWithInvalidUtf8",
                  Frame{.opcode = Frame::close, .payload = close_payload(1000, "\xff")}.bytes()}),
    [](const auto& violation) { return violation.param.name; });

TEST_F(HostileWebSocket, ClosedWithACodeOfItsOwnIsClosed) {
  start();
  send(WebSocketFrame{.opcode = WebSocketFrame::close, .payload = close_payload(65'535, "go away")}
           .bytes());
  expect_disconnect("closed");
  EXPECT_TRUE(bridge_->wait_for_log("close code 65535: go away")) << bridge_->log();
}

TEST_F(HostileWebSocket, ClosedWithoutACodeSaysSo) {
  start();
  send(WebSocketFrame{.opcode = WebSocketFrame::close}.bytes());
  expect_disconnect("closed");
  EXPECT_TRUE(bridge_->wait_for_log("closed without a code")) << bridge_->log();
}

TEST_F(HostileWebSocket, ClosedWithWordsThatSteerATerminalDoesNotSteerIt) {
  start();
  exchange_.apply(fault::Close{.code = 1000, .reason = "\x1b[2J\n\u009b31m\u202e"});
  expect_disconnect("closed");
  const auto log = bridge_->whole_log();
  for (const auto* control : {"\x1b", "\u009b", "\u202e"})
    EXPECT_THAT(log, Not(HasSubstr(control)));
}

}  // namespace
}  // namespace bpx::test
