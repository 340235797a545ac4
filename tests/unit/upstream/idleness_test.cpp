#include "bridge/upstream/idleness.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

constexpr Idleness::TimePoint kReceived{1h};

TEST(Idleness, PingsAtHalfTheTimeoutAndEndsAtTheWhole) {
  Idleness idleness(90s, 30min);
  idleness.pinged(kReceived - 1min, kReceived - 1s);  // answered
  EXPECT_EQ(idleness.ping_due(kReceived), kReceived + 45s);
  EXPECT_EQ(idleness.end(kReceived, kReceived), kReceived + 90s);
  idleness.pinged(kReceived, kReceived + 45s);
  EXPECT_GT(idleness.ping_due(kReceived), kReceived + 90s);
  EXPECT_EQ(idleness.end(kReceived, kReceived + 60s), kReceived + 90s);
}

TEST(Idleness, PingsAtOnceOnANewConnectionToMeasureTheRoundTrip) {
  const Idleness idleness(90s, 30s);
  EXPECT_LE(idleness.ping_due(kReceived), kReceived);
}

TEST(Idleness, PingsNowAndThenWhateverComes) {
  Idleness idleness(90s, 30s);
  idleness.pinged(kReceived, kReceived);
  EXPECT_EQ(idleness.ping_due(kReceived + 29s), kReceived + 30s);
}

TEST(Idleness, GivesAPingHalfTheTimeoutHoweverLateItWasSent) {
  Idleness idleness(90s, 30min);
  const auto late = kReceived + 10min;  // the bridge was stopped meanwhile
  EXPECT_LE(idleness.ping_due(kReceived), late);
  EXPECT_EQ(idleness.end(kReceived, late), late + 45s);
  idleness.pinged(kReceived, late);
  EXPECT_EQ(idleness.end(kReceived, late + 44s), late + 45s);
  EXPECT_EQ(idleness.end(late + 1s, late + 44s), late + 91s) << "it was answered";
}

TEST(Idleness, IsNotPutOffByFurtherPings) {
  Idleness idleness(90s, 30s);
  for (const auto after : {10s, 45s, 75s}) idleness.pinged(kReceived, kReceived + after);
  EXPECT_EQ(idleness.end(kReceived, kReceived + 80s), kReceived + 90s);
}

}  // namespace
}  // namespace bpx::bridge
