#include "bridge/observe/status_report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr Moment kNow{.unix_ns = 1'700'000'100 * kSecond, .steady_ns = 500 * kSecond};

class StatusReportTest : public testing::Test {
 protected:
  Json report() { return Json::parse(status_report(measurements_, context_, kNow)); }

  StatusContext context_{
      .version = "1.2.3", .epoch_us = 1'700'000'000'000'000, .started_steady_ns = 400 * kSecond};
  Measurements measurements_{{"trade.A", "account.orderUpdate"}};
};

TEST_F(StatusReportTest, SaysWhatIsUnknownAtTheStart) {
  const auto json = report();
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["state"], "connecting");
  EXPECT_EQ(json["ready"], false);
  EXPECT_EQ(json["reasons"], Json::array({"not connected"}));
  EXPECT_EQ(json["epoch"], 1'700'000'000'000'000);
  EXPECT_EQ(json["time_ms"], 1'700'000'100'000);
  EXPECT_EQ(json["uptime_seconds"], 100.0);
  EXPECT_EQ(json["connection"], 0);
  EXPECT_EQ(json["last_message_ms"], 0);
  EXPECT_TRUE(json["last_disconnect"].is_null());
  EXPECT_TRUE(json["ping_rtt_ms"].is_null());
  EXPECT_TRUE(json["clock_offset_ms"].is_null());
}

TEST_F(StatusReportTest, DescribesEachConfiguredStream) {
  auto& trade = measurements_.of("trade.A");
  trade.state.set(StreamState::live);
  trade.messages.add(3);
  trade.bytes.add(300);
  trade.published.add(3);
  trade.gaps.add();
  trade.missing.add(7);
  trade.last_gap_ns.set(kNow.unix_ns - kSecond / 2);
  trade.last_received_ns.set(kNow.unix_ns - kSecond / 4);
  trade.last_received_steady_ns.set(kNow.steady_ns - kSecond / 4);
  trade.subscriptions.set(2);
  const auto json = report();
  ASSERT_EQ(json["streams"].size(), 2U);
  EXPECT_EQ(json["streams"][0],
            Json::parse(R"({"name":"trade.A","private":false,"state":"live","waiting":false,
    "sequence":3,"last_message_ms":1700000099750,"age_ms":250,"messages":3,"bytes":300,"gaps":1,"missing":7,
    "last_gap_ms":1700000099500,"book":null,"subscribers":2})"));
  EXPECT_EQ(json["streams"][1]["private"], true);
  EXPECT_EQ(json["streams"][1]["state"], "requested");
  EXPECT_EQ(json["streams"][1]["waiting"], true);
  EXPECT_TRUE(json["streams"][1]["age_ms"].is_null()) << "nothing has come yet";
  EXPECT_EQ(json["received"],
            Json::parse(R"({"messages":3,"bytes":300,"canary":0,"malformed":0})"));
  EXPECT_EQ(json["last_message_ms"], 1'700'000'099'750);
  EXPECT_EQ(json["age_ms"], 250);
}

TEST_F(StatusReportTest, NamesWhoIsConnectedAndWhoIsBehind) {
  measurements_.everyone.consumers.set({{.address = "10.0.0.1:5",
                                         .since_ns = kNow.unix_ns,
                                         .subscriptions = 3,
                                         .unsent_bytes = 7,
                                         .is_behind = true}});
  measurements_.account.consumers.set({{.address = "10.0.0.2:6", .since_ns = kNow.unix_ns}});
  EXPECT_EQ(report()["consumers"], Json::parse(R"([
    {"endpoint":"public","address":"10.0.0.1:5","since_ms":1700000100000,"subscriptions":3,
     "unsent_bytes":7,"behind":true},
    {"endpoint":"private","address":"10.0.0.2:6","since_ms":1700000100000,"subscriptions":null,
     "unsent_bytes":0,"behind":false}])"));
}

TEST_F(StatusReportTest, SaysWhyAStreamIsRejected) {
  measurements_.of("trade.A").state.set(StreamState::rejected);
  measurements_.note_rejected("trade.A", {4006, "Invalid \xff stream"});
  const auto json = report()["streams"][0];
  EXPECT_EQ(json["state"], "rejected");
  EXPECT_EQ(json["code"], 4006);
  EXPECT_EQ(json["message"], "Invalid \xEF\xBF\xBD stream") << "text that is no UTF-8 is mended";
}

TEST_F(StatusReportTest, TellsOfAKeptBookWhetherItIsRight) {
  auto& trade = measurements_.of("trade.A");
  trade.book.set(BookState::syncing);
  EXPECT_EQ(report()["streams"][0]["book"], "syncing");
  trade.book.set(BookState::in_sync);
  EXPECT_EQ(report()["streams"][0]["book"], "in_sync");
}

TEST_F(StatusReportTest, TellsHowTheLastConnectionEnded) {
  measurements_.upstream.last_disconnect.set(DisconnectReason::idle);
  measurements_.upstream.last_disconnect_ns.set(kNow.unix_ns - kSecond);
  EXPECT_EQ(report()["last_disconnect"],
            Json::parse(R"({"reason":"idle","time_ms":1700000099000})"));
}

TEST_F(StatusReportTest, GivesTheTrueAgeThoughTheWallClockWasSet) {
  auto& trade = measurements_.of("trade.A");
  trade.last_received_steady_ns.set(kNow.steady_ns - 3 * kSecond);
  for (const auto step : {900 * kSecond, -900 * kSecond}) {
    trade.last_received_ns.set(kNow.unix_ns - 3 * kSecond - step);
    EXPECT_EQ(report()["streams"][0]["age_ms"], 3'000) << step;
    EXPECT_EQ(report()["age_ms"], 3'000) << step;
  }
}

TEST_F(StatusReportTest, KnowsTheLastMessageThoughTheWallClockWasSetBack) {
  auto& before = measurements_.of("trade.A");
  auto& after = measurements_.of("account.orderUpdate");
  before.last_received_ns.set(kNow.unix_ns + 900 * kSecond);
  before.last_received_steady_ns.set(kNow.steady_ns - 2 * kSecond);
  after.last_received_ns.set(kNow.unix_ns - kSecond);
  after.last_received_steady_ns.set(kNow.steady_ns - kSecond);
  EXPECT_EQ(report()["age_ms"], 1'000);
  EXPECT_EQ(report()["last_message_ms"], 1'700'000'099'000);
}

TEST_F(StatusReportTest, GivesNoAgeBelowZeroThoughAMessageCameMeanwhile) {
  measurements_.of("trade.A").last_received_steady_ns.set(kNow.steady_ns + kSecond);
  EXPECT_EQ(report()["streams"][0]["age_ms"], 0);
}

TEST_F(StatusReportTest, TellsHowTheLastAttemptToConnectEnded) {
  EXPECT_EQ(report()["last_attempt"], "ok");
  measurements_.upstream.last_attempt.set(ConnectResult::tls);
  EXPECT_EQ(report()["last_attempt"], "tls");
}

TEST_F(StatusReportTest, SaysWhetherTheRelayingThreadTurns) {
  measurements_.last_turn_steady_ns.set(kNow.steady_ns - 4 * kSecond);
  EXPECT_EQ(report()["alive"], true);
  measurements_.last_turn_steady_ns.set(kNow.steady_ns - 5 * kSecond);
  EXPECT_EQ(report()["alive"], false);
}

TEST_F(StatusReportTest, CountsTheEpisodesOfSlowConsumers) {
  measurements_.account.slow_episodes.add(2);
  EXPECT_EQ(report()["slow_episodes"], Json::parse(R"({"public":0,"private":2})"));
}

TEST_F(StatusReportTest, TellsOfEachEndpointWhatConsumersSufferedAndWhen) {
  measurements_.account.last_slow_ns.set(kNow.unix_ns - kSecond);
  measurements_.everyone.evicted.add(3);
  measurements_.everyone.last_evicted_ns.set(kNow.unix_ns);
  measurements_.account.auth_failures.add(4);
  measurements_.everyone.turned_away[TurnedAway::crowded].add(5);
  measurements_.everyone.turned_away[TurnedAway::subscriptions].add(1);
  const auto json = report();
  EXPECT_EQ(json["last_slow_ms"], Json::parse(R"({"public":0,"private":1700000099000})"));
  EXPECT_EQ(json["evicted"], Json::parse(R"({"public":3,"private":0})"));
  EXPECT_EQ(json["last_evicted_ms"], Json::parse(R"({"public":1700000100000,"private":0})"));
  EXPECT_EQ(json["auth_failures"], Json::parse(R"({"public":0,"private":4})"));
  EXPECT_EQ(json["turned_away"], Json::parse(R"({"public":6,"private":0})"));
}

TEST_F(StatusReportTest, CountsWhoSubscribesToEverythingAtEachStreamOfTheEndpoint) {
  measurements_.of("trade.A").subscriptions.set(1);
  measurements_.everyone.to_everything.set(2);
  EXPECT_EQ(report()["streams"][0]["subscribers"], 3);
  EXPECT_EQ(report()["streams"][1]["subscribers"], 0) << "it is on the other endpoint";
}

TEST_F(StatusReportTest, SaysBesideWhatIsMeasuredWhereItsLimitIs) {
  context_.queue_bytes = 1'000;
  measurements_.queued_bytes.set(999);
  measurements_.upstream.clock_tolerance_s.set(2.5);
  EXPECT_EQ(report()["queued_bytes"], 999);
  EXPECT_EQ(report()["queue_limit_bytes"], 1'000);
  EXPECT_EQ(report()["clock_tolerance_ms"], 2'500.0);
}

TEST_F(StatusReportTest, TellsSinceWhenItIsConnected) {
  EXPECT_EQ(report()["connected_ms"], 0);
  measurements_.upstream.connected_ns.set(kNow.unix_ns);
  EXPECT_EQ(report()["connected_ms"], 1'700'000'100'000);
}

TEST_F(StatusReportTest, CountsTheExchangesErrorsByCode) {
  measurements_.upstream.errors[ExchangeError::invalid_stream].add(2);
  EXPECT_EQ(report()["errors"], Json::parse(R"({"4003":0,"4006":2,"other":0})"));
}

TEST_F(StatusReportTest, GivesLagAndTheWayThroughTheBridgeAsCountAndSum) {
  measurements_.of("trade.A").lag.observe(kSecond / 2);
  measurements_.of("new.kind").lag.observe(kSecond);
  EXPECT_EQ(report()["lag"], Json::parse(R"({"count":2,"sum_seconds":1.5})"));
  measurements_.of("trade.A").lag.observe(-2 * kSecond);
  EXPECT_EQ(report()["lag"], Json::parse(R"({"count":3,"sum_seconds":-0.5})"))
      << "the clock offset, which is to be added to the mean, is positive then";
  measurements_.forward.observe(kSecond / 4);
  EXPECT_EQ(report()["forward"], Json::parse(R"({"count":1,"sum_seconds":0.25})"));
}

TEST_F(StatusReportTest, AnswersReadinessWithItsReasons) {
  EXPECT_FALSE(readiness_report(measurements_, context_, kNow).ready);
  EXPECT_EQ(readiness_report(measurements_, context_, kNow).json,
            R"({"ready":false,"reasons":["not connected"]})");
  measurements_.upstream.state.set(LinkState::live);
  measurements_.upstream.last_received_steady_ns.set(kNow.steady_ns);
  for (const auto* stream : {"trade.A", "account.orderUpdate"})
    measurements_.of(stream).state.set(StreamState::requested);
  const auto ready = readiness_report(measurements_, context_, kNow);
  EXPECT_TRUE(ready.ready);
  EXPECT_EQ(ready.json, R"({"ready":true,"reasons":[]})");
}

TEST_F(StatusReportTest, IsSilentOnJetStreamWhereThereIsNone) {
  EXPECT_TRUE(report()["jetstream"].is_null());
  EXPECT_FALSE(
      Json::parse(readiness_report(measurements_, context_, kNow).json).contains("jetstream"));
}

TEST_F(StatusReportTest, TellsOfJetStreamAndItsOwnReadiness) {
  auto& jetstream = measurements_.jetstream;
  jetstream.is_enabled.set(true);
  jetstream.fault.set("no server");
  for (int i = 0; i < 10; ++i) jetstream.published.add();
  jetstream.acknowledged.add(6);
  jetstream.refused.add();
  jetstream.overflowed.add(2);
  jetstream.is_losing.set(true);
  const auto reasons = Json::array({"not connected: no server", "losing messages: 3 so far"});
  EXPECT_EQ(report()["jetstream"], (Json{{"ready", false},
                                         {"reasons", reasons},
                                         {"connected", false},
                                         {"published", 10},
                                         {"acknowledged", 6},
                                         {"pending", 3},
                                         {"lost", 3},
                                         {"reconnects", 0}}));
  EXPECT_EQ(Json::parse(readiness_report(measurements_, context_, kNow).json)["jetstream"],
            (Json{{"ready", false}, {"reasons", reasons}}));
}

TEST_F(StatusReportTest, JetStreamDoesNotCountInTheReadinessOfTheBridge) {
  measurements_.jetstream.is_enabled.set(true);
  measurements_.upstream.state.set(LinkState::live);
  measurements_.upstream.last_received_steady_ns.set(kNow.steady_ns);
  for (const auto* name : {"trade.A", "account.orderUpdate"})
    measurements_.of(name).state.set(StreamState::live);
  EXPECT_TRUE(readiness_report(measurements_, context_, kNow).ready);
  EXPECT_EQ(report()["jetstream"]["ready"], false);
}

}  // namespace
}  // namespace bpx::bridge
