#include "bridge/observe/measurements.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(Measurements, KeepsStreamsThatAreNotConfiguredTogether) {
  Measurements measurements({"trade.A", "depth.A"});
  EXPECT_EQ(measurements.of("trade.A").name, "trade.A");
  EXPECT_EQ(&measurements.of("trade.B"), &measurements.of("new.kind"));
  EXPECT_EQ(measurements.of("trade.B").name, "other");
  EXPECT_EQ(measurements.streams().size(), 2U);
}

TEST(Measurements, TakesAStreamThatIsConfiguredTwiceOnce) {
  EXPECT_EQ(Measurements({"trade.A", "trade.A"}).streams().size(), 1U);
}

TEST(Measurements, ShowsWhatIsConfiguredNowAndKeepsTheCountsOfWhatComesAgain) {
  Measurements measurements({"trade.A", "depth.A"});
  const auto names = [&] {
    std::vector<std::string> shown;
    for (const StreamMeasurements& stream : measurements.streams()) shown.push_back(stream.name);
    return shown;
  };
  auto& trade = measurements.of("trade.A");
  trade.messages.add();
  measurements.remove_configured("trade.A");
  measurements.add_configured("ticker.A");
  EXPECT_EQ(names(), (std::vector<std::string>{"depth.A", "ticker.A"}));
  EXPECT_FALSE(measurements.is_configured("trade.A"));
  EXPECT_EQ(measurements.lag().size(), 4U) << "of a type that is new, too";
  measurements.add_configured("trade.A");
  EXPECT_EQ(names(), (std::vector<std::string>{"depth.A", "ticker.A", "trade.A"}));
  EXPECT_EQ(&measurements.of("trade.A"), &trade);
  EXPECT_EQ(trade.messages.value(), 1U);
}

TEST(Measurements, TakesOverHowAStreamFaresThatConsumersHaveBroughtAbout) {
  Measurements measurements({});
  measurements.add_on_demand("trade.A");
  measurements.set_on_demand_state("trade.A", StreamState::live);
  measurements.set_on_demand_subscribers("trade.A", 3);
  measurements.add_configured("trade.A");
  EXPECT_EQ(measurements.of("trade.A").state.value(), StreamState::live);
  EXPECT_EQ(measurements.of("trade.A").subscriptions.value(), 3U);
}

TEST(Measurements, SharesLagAmongStreamsOfAType) {
  Measurements measurements({"depth.A", "depth.200ms.B", "trade.A"});
  EXPECT_EQ(&measurements.of("depth.A").lag, &measurements.of("depth.200ms.B").lag);
  EXPECT_NE(&measurements.of("depth.A").lag, &measurements.of("trade.A").lag);
  EXPECT_EQ(measurements.lag().size(), 3U) << "depth, trade and other";
}

TEST(Measurements, CountsConnectionsAfterTheFirstAsReconnects) {
  UpstreamMeasurements upstream;
  EXPECT_EQ(upstream.reconnects(), 0U);
  upstream.connects[ConnectResult::ok].add();
  EXPECT_EQ(upstream.reconnects(), 0U);
  upstream.connects[ConnectResult::tls].add();
  upstream.connects[ConnectResult::ok].add();
  EXPECT_EQ(upstream.reconnects(), 1U);
}

}  // namespace
}  // namespace bpx::bridge
