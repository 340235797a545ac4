#include "bridge/observe/readiness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'000 * kSecond;

class ReadinessTest : public testing::Test {
 protected:
  ReadinessTest() {
    measurements_.upstream.state.set(LinkState::live);
    measurements_.upstream.last_received_steady_ns.set(kNow);
    measurements_.last_turn_steady_ns.set(kNow);
    for (const auto* stream : {"trade.A", "trade.B"})
      measurements_.of(stream).state.set(StreamState::requested);
  }

  std::vector<std::string> reasons() { return reasons_not_ready(measurements_, 90s, kNow); }

  Measurements measurements_{{"trade.A", "trade.B"}};
};

TEST_F(ReadinessTest, IsReadyWhileConnectedAndEverythingIsRequested) {
  EXPECT_THAT(reasons(), IsEmpty());
  measurements_.of("trade.A").state.set(StreamState::live);
  EXPECT_THAT(reasons(), IsEmpty());
}

TEST_F(ReadinessTest, IsNotReadyWithoutAConnection) {
  for (const auto state : {LinkState::connecting, LinkState::down}) {
    measurements_.upstream.state.set(state);
    EXPECT_THAT(reasons(), ElementsAre("not connected"));
  }
}

TEST_F(ReadinessTest, WaitsForEveryStreamToBeRequested) {
  measurements_.of("trade.B").state.set(StreamState::waiting);
  EXPECT_THAT(reasons(), ElementsAre("1 of 2 streams not yet requested"));
}

TEST_F(ReadinessTest, NamesRejectedStreamsWithTheExchangesWords) {
  measurements_.of("trade.B").state.set(StreamState::rejected);
  measurements_.note_rejected("trade.B", {4006, "Invalid stream"});
  EXPECT_THAT(reasons(), ElementsAre("rejected: trade.B (4006 Invalid stream)"));
}

TEST_F(ReadinessTest, NamesTwentyRejectedStreamsAndCountsTheRest) {
  std::vector<std::string> names;
  for (int i = 0; i < 25; ++i) names.push_back("trade." + std::to_string(i));
  Measurements many(names);
  many.upstream.state.set(LinkState::live);
  many.upstream.last_received_steady_ns.set(kNow);
  for (const auto& name : names) many.of(name).state.set(StreamState::rejected);
  const auto reasons = reasons_not_ready(many, 90s, kNow);
  EXPECT_EQ(reasons.size(), 21U);
  EXPECT_EQ(reasons.back(), "… and 5 more rejected");
}

TEST_F(ReadinessTest, IsNotReadyAfterSilenceOfTheIdleTimeout) {
  measurements_.upstream.last_received_steady_ns.set(kNow - 90 * kSecond + 1);
  EXPECT_THAT(reasons(), IsEmpty());
  measurements_.upstream.last_received_steady_ns.set(kNow - 90 * kSecond);
  EXPECT_THAT(reasons(), ElementsAre("nothing received for 90 s"));
}

TEST_F(ReadinessTest, IsAliveWhileTheEventLoopTurns) {
  EXPECT_EQ(reason_not_alive(measurements_, kNow + 5 * kSecond - 1), std::nullopt);
  EXPECT_EQ(reason_not_alive(measurements_, kNow + 5 * kSecond),
            "the event loop has not turned for 5 s");
}

}  // namespace
}  // namespace bpx::bridge
