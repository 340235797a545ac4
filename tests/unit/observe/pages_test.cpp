#include "bridge/observe/pages.hpp"

#include "bridge/clock.hpp"
#include "bridge/observe/content_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::int64_t kSecond = 1'000'000'000;

class PagesTest : public testing::Test {
 protected:
  PagesTest() { measurements_.last_turn_steady_ns.set(steady_ns()); }

  HttpPage at(std::string_view path) const { return pages_.at(path).value(); }

  Measurements measurements_{{"trade.A"}};
  Pages pages_{measurements_, StatusContext{.version = "1.2.3"}, BuildInfo{}};
};

TEST_F(PagesTest, AreFiveAndNoMore) {
  for (const auto* path : {"/", "/status", "/metrics", "/readyz", "/livez"})
    EXPECT_TRUE(pages_.at(path)) << path;
  for (const auto* path : {"", "/status/", "/Status", "/metrics/x", "/favicon.ico", "*"})
    EXPECT_FALSE(pages_.at(path)) << path;
}

TEST_F(PagesTest, SayWhatTheyAre) {
  EXPECT_THAT(std::string(at("/").content_type), StartsWith("text/html"));
  EXPECT_THAT(std::string(at("/status").content_type), StartsWith("application/json"));
  EXPECT_THAT(std::string(at("/readyz").content_type), StartsWith("application/json"));
  EXPECT_THAT(std::string(at("/metrics").content_type), StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(at("/").body, StartsWith("<!doctype html>"));
}

TEST_F(PagesTest, AllowABrowserWhatTheStatusPageBringsWithItAndNothingElse) {
  const auto status = at("/");
  EXPECT_EQ(status.content_policy, policy_of(status.body));
  EXPECT_THAT(status.body, Not(ContainsRegex(" (style|on[a-z]+)=")));
  for (const auto* path : {"/status", "/metrics", "/readyz", "/livez"})
    EXPECT_EQ(at(path).content_policy, kNothingAllowed) << path;
}

TEST_F(PagesTest, CallTheBridgeDeadOnceItsLoopHasNotTurnedForFiveSeconds) {
  EXPECT_EQ(at("/livez").status, 200U);
  measurements_.last_turn_steady_ns.set(steady_ns() - 6 * kSecond);
  EXPECT_EQ(at("/livez").status, 503U);
  EXPECT_THAT(at("/livez").body, StartsWith("the event loop has not turned for "));
  measurements_.last_turn_steady_ns.set(steady_ns());
  EXPECT_EQ(at("/livez").status, 200U);
}

TEST_F(PagesTest, CallTheBridgeReadyOnceItIs) {
  EXPECT_EQ(at("/readyz").status, 503U);
  EXPECT_THAT(at("/readyz").body, HasSubstr("not connected"));
  measurements_.upstream.state.set(LinkState::live);
  measurements_.upstream.last_received_steady_ns.set(steady_ns());
  measurements_.of("trade.A").state.set(StreamState::live);
  EXPECT_EQ(at("/readyz").status, 200U);
}

}  // namespace
}  // namespace bpx::bridge
