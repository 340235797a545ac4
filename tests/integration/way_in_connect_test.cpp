#include "tests/support/running_bridge.hpp"
#include "tests/support/websocket_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

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

/// `retry_ms` of a status message; -1 where it has none.
std::int64_t retry_ms(const Message& status) {
  static const std::regex pattern("\"retry_ms\":([0-9]+)");
  std::smatch match;
  return std::regex_search(status.payload, match, pattern) ? std::stoll(match[1]) : -1;
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

}  // namespace
}  // namespace bpx::test
