#include "bridge/upstream/liveness.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;
using TimePoint = Liveness::TimePoint;

constexpr TimePoint kBegin{1h};

Liveness with_pings(Liveness::Milliseconds interval) {
  return Liveness({.idle_timeout = 90s, .data_timeout = 30s, .ping_interval = interval});
}

/// Data, and nothing since.
Liveness::Heard data_at(TimePoint time) { return {.anything = time, .data = time}; }

TEST(Idle, IsAConnectionThatIsPingedAtHalfTheTimeoutAndSilentForTheWhole) {
  auto liveness = with_pings(30min);
  liveness.pinged(kBegin - 1min, kBegin - 1s);  // answered
  EXPECT_EQ(liveness.ping_due(data_at(kBegin)), kBegin + 45s);
  EXPECT_EQ(liveness.end(data_at(kBegin), kBegin).at, kBegin + 90s);
  liveness.pinged(kBegin, kBegin + 45s);
  EXPECT_GT(liveness.ping_due(data_at(kBegin)), kBegin + 90s);
  const auto end = liveness.end(data_at(kBegin), kBegin + 60s);
  EXPECT_EQ(end.at, kBegin + 90s);
  EXPECT_EQ(end.reason, DisconnectReason::idle);
}

TEST(Idle, IsPingedAtOnceOnANewConnectionToMeasureTheRoundTrip) {
  EXPECT_LE(with_pings(30s).ping_due(data_at(kBegin)), kBegin);
}

TEST(Idle, IsPingedNowAndThenWhateverComes) {
  auto liveness = with_pings(30s);
  liveness.pinged(kBegin, kBegin);
  EXPECT_EQ(liveness.ping_due(data_at(kBegin + 29s)), kBegin + 30s);
}

TEST(Idle, IsAPingGivenHalfTheTimeoutHoweverLateItWasSent) {
  auto liveness = with_pings(30min);
  const auto late = kBegin + 10min;  // the bridge was stopped meanwhile
  EXPECT_LE(liveness.ping_due(data_at(kBegin)), late);
  EXPECT_EQ(liveness.end(data_at(kBegin), late).at, late + 45s);
  liveness.pinged(kBegin, late);
  EXPECT_EQ(liveness.end(data_at(kBegin), late + 44s).at, late + 45s);
  EXPECT_EQ(liveness.end(data_at(late + 1s), late + 44s).at, late + 91s) << "it was answered";
}

TEST(Idle, IsNotPutOffByFurtherPings) {
  auto liveness = with_pings(30s);
  for (const auto after : {10s, 45s, 75s}) liveness.pinged(kBegin, kBegin + after);
  EXPECT_EQ(liveness.end(data_at(kBegin), kBegin + 80s).at, kBegin + 90s);
}

TEST(Mute, IsAConnectionThatAnswersAPingButBringsNoDataOnceDataIsExpected) {
  auto liveness = with_pings(30min);
  liveness.pinged(kBegin - 1min, kBegin - 1s);
  EXPECT_EQ(liveness.ping_due(data_at(kBegin)), kBegin + 45s) << "it may have nothing to say";
  liveness.expect_data();
  EXPECT_EQ(liveness.ping_due(data_at(kBegin)), kBegin + 15s);
  liveness.pinged(kBegin, kBegin + 15s);
  const Liveness::Heard answered{.anything = kBegin + 16s, .data = kBegin};
  const auto end = liveness.end(answered, kBegin + 16s);
  EXPECT_EQ(end.at, kBegin + 30s);
  EXPECT_EQ(end.reason, DisconnectReason::mute);
}

TEST(Mute, IsNoConnectionWhoseStreamsMayHaveNothingToSay) {
  const Liveness::Heard answered{.anything = kBegin + 1h, .data = kBegin};
  EXPECT_EQ(with_pings(30s).end(answered, kBegin + 1h).reason, DisconnectReason::idle);
}

TEST(Mute, IsNoConnectionWhereTheTimeoutIsZero) {
  Liveness liveness({.data_timeout = 0ms});
  liveness.expect_data();
  const Liveness::Heard answered{.anything = kBegin + 1h, .data = kBegin};
  EXPECT_EQ(liveness.end(answered, kBegin + 1h).reason, DisconnectReason::idle);
  liveness.pinged(kBegin, kBegin);
  EXPECT_EQ(liveness.ping_due(data_at(kBegin)), kBegin + 30s);
}

TEST(Mute, IsNotJudgedBeforeAPingWasAnsweredThoughTheBridgeWasStopped) {
  auto liveness = with_pings(30min);
  liveness.expect_data();
  liveness.pinged(kBegin, kBegin + 1s);
  const Liveness::Heard before{.anything = kBegin + 2s, .data = kBegin};
  const auto late = kBegin + 10min;  // what has come meanwhile is not read yet
  EXPECT_GT(liveness.end(before, late).at, late);
  EXPECT_LE(liveness.ping_due(before), late);
  liveness.pinged(before.anything, late);
  const Liveness::Heard behind{.anything = late + 1s, .data = kBegin};
  EXPECT_LE(liveness.end(behind, late + 1s).at, late) << "what lay before the pong was read";
}

}  // namespace
}  // namespace bpx::bridge
