#include "bridge/observe/exposition.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const BuildInfo kBuild{.version = "1.2.3", .libzmq = "4.3.4", .boost = "1.81"};

std::string expose(const Measurements& measurements, const ProcessMetrics& process = {}) {
  return exposition(measurements, process, kBuild);
}

/// The line of one series, without its line break; empty if there is none.
std::string series(const std::string& text, const std::string& name_and_labels) {
  const auto begin = ('\n' + text).find('\n' + name_and_labels + ' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find('\n', begin) - begin);
}

TEST(Exposition, HasEverySeriesOfTheContractFromTheStart) {
  const Measurements measurements({"depth.A", "ticker.A"});
  const auto text = expose(measurements);
  for (const std::string expected : {
           R"(build_info{version="1.2.3",libzmq="4.3.4",boost="1.81"} 1)",
           R"(upstream_connected 0)",
           R"(upstream_connects_total{result="ok"} 0)",
           R"(upstream_connects_total{result="dns"} 0)",
           R"(upstream_connects_total{result="tcp"} 0)",
           R"(upstream_connects_total{result="proxy"} 0)",
           R"(upstream_connects_total{result="tls"} 0)",
           R"(upstream_connects_total{result="handshake"} 0)",
           R"(upstream_connects_total{result="timeout"} 0)",
           R"(upstream_reconnects_total 0)",
           R"(upstream_disconnects_total{reason="closed"} 0)",
           R"(upstream_disconnects_total{reason="idle"} 0)",
           R"(upstream_disconnects_total{reason="mute"} 0)",
           R"(upstream_disconnects_total{reason="reset"} 0)",
           R"(upstream_disconnects_total{reason="oversized"} 0)",
           R"(upstream_disconnects_total{reason="protocol"} 0)",
           R"(upstream_disconnects_total{reason="local"} 0)",
           R"(upstream_errors_total{code="4003"} 0)",
           R"(upstream_errors_total{code="4006"} 0)",
           R"(upstream_errors_total{code="other"} 0)",
           R"(upstream_requests_total{method="SUBSCRIBE"} 0)",
           R"(upstream_requests_total{method="UNSUBSCRIBE"} 0)",
           R"(received_messages_total{stream="depth.A"} 0)",
           R"(received_messages_total{stream="other"} 0)",
           R"(received_bytes_total{stream="ticker.A"} 0)",
           R"(published_messages_total{endpoint="public"} 0)",
           R"(published_bytes_total{endpoint="private"} 0)",
           R"(malformed_messages_total 0)",
           R"(jetstream_connected 0)",
           R"(jetstream_configured 0)",
           R"(jetstream_reconnects_total 0)",
           R"(jetstream_published_total 0)",
           R"(jetstream_acknowledged_total 0)",
           R"(jetstream_lost_total 0)",
           R"(jetstream_pending 0)",
           R"(jetstream_acknowledgement_seconds_count 0)",
           R"(exchange_lag_seconds_count{type="depth"} 0)",
           R"(exchange_lag_seconds_bucket{type="ticker",le="0.0001"} 0)",
           R"(exchange_lag_seconds_bucket{type="ticker",le="+Inf"} 0)",
           R"(exchange_lag_negative_total{type="ticker"} 0)",
           R"(exchange_lag_negative_seconds_total{type="other"} 0)",
           R"(forward_seconds_count 0)",
           R"(forward_seconds_bucket{le="0.01"} 0)",
           R"(ping_rtt_seconds 0)",
           R"(clock_offset_seconds 0)",
           R"(clock_known 0)",
           R"(clock_tolerance_seconds 0)",
           R"(stream_subscribed{stream="depth.A"} 0)",
           R"(stream_last_message_timestamp_seconds{stream="depth.A"} 0)",
           R"(sequence_gaps_total{stream="depth.A"} 0)",
           R"(sequence_missing_total{stream="depth.A"} 0)",
           R"(subscribers{endpoint="public"} 0)",
           R"(subscribers{endpoint="private"} 0)",
           R"(subscriber_departures_total{endpoint="private"} 0)",
           R"(slow_subscriber_episodes_total{endpoint="public"} 0)",
           R"(evicted_subscribers_total{endpoint="public"} 0)",
           R"(evicted_subscribers_total{endpoint="private"} 0)",
           R"(queued_bytes 0)",
           R"(replays_total{result="served"} 0)",
           R"(replays_total{result="unknown"} 0)",
           R"(replays_total{result="malformed"} 0)",
           R"(replays_total{result="limited"} 0)",
           R"(auth_failures_total{endpoint="private"} 0)",
           R"(handshake_failures_total{endpoint="public"} 0)",
           R"(turned_away_total{endpoint="public",reason="crowded"} 0)",
           R"(turned_away_total{endpoint="private",reason="subscriptions"} 0)",
           R"(consumer_requests_total{endpoint="public",kind="subscribe"} 0)",
           R"(consumer_requests_total{endpoint="private",kind="unsubscribe"} 0)",
           R"(consumer_requests_total{endpoint="public",kind="other"} 0)",
           R"(on_demand_refused_total 0)",
           R"(http_refused_total{reason="crowded"} 0)",
           R"(http_refused_total{reason="slow"} 0)",
           R"(http_refused_total{reason="too_large"} 0)",
           R"(http_refused_total{reason="malformed"} 0)",
       })
    EXPECT_THAT(text, HasSubstr("\nbackpack_bridge_" + expected + '\n'));
}

TEST(Exposition, IsNeverNanWhateverIsUnknown) {
  Measurements measurements({"depth.A"});
  EXPECT_THAT(expose(measurements), Not(testing::ContainsRegex(" [Nn]a[Nn]")));
  measurements.upstream.clock_offset_s.set(-0.25);
  EXPECT_THAT(expose(measurements),
              AllOf(HasSubstr("clock_offset_seconds -0.25\n"), HasSubstr("clock_known 1\n")));
  measurements.upstream.clock_offset_s.set(UpstreamMeasurements::kUnknown);
  EXPECT_THAT(expose(measurements),
              AllOf(HasSubstr("clock_offset_seconds 0\n"), HasSubstr("clock_known 0\n")));
}

TEST(Exposition, CountsMessagesFromTheFutureAsNotLateSoThatNoSumFalls) {
  Measurements measurements({"depth.A"});
  auto& lag = measurements.of("depth.A").lag;
  lag.observe(500'000'000);
  lag.observe(-250'000'000);
  lag.observe(-2'000'000'000);
  const auto text = expose(measurements);
  for (const std::string expected : {
           R"(exchange_lag_seconds_count{type="depth"} 3)",
           R"(exchange_lag_seconds_sum{type="depth"} 0.5)",
           R"(exchange_lag_seconds_bucket{type="depth",le="0.0001"} 2)",
           R"(exchange_lag_negative_total{type="depth"} 2)",
           R"(exchange_lag_negative_seconds_total{type="depth"} 2.25)",
       })
    EXPECT_THAT(text, HasSubstr("\nbackpack_bridge_" + expected + '\n'));
}

TEST(Exposition, CountsGapsOnlyWhereMessagesAreNumbered) {
  const Measurements measurements({"depth.A", "ticker.A"});
  EXPECT_THAT(expose(measurements), Not(HasSubstr(R"(sequence_gaps_total{stream="ticker.A"})")));
}

TEST(Exposition, TellsOfBooksOnlyWhereOneIsKept) {
  Measurements measurements({"depth.A", "depth.B"});
  auto& kept = measurements.of("depth.A");
  kept.book.set(BookState::syncing);
  kept.book_resyncs.add(2);
  const auto text = expose(measurements);
  EXPECT_THAT(text, HasSubstr("\nbackpack_bridge_book_in_sync{stream=\"depth.A\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nbackpack_bridge_book_resyncs_total{stream=\"depth.A\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr(R"(book_in_sync{stream="depth.B"})")));
  EXPECT_THAT(text, Not(HasSubstr(R"(book_in_sync{stream="other"})")));
  kept.book.set(BookState::in_sync);
  EXPECT_THAT(expose(measurements), HasSubstr(R"(book_in_sync{stream="depth.A"} 1)"));
}

TEST(Exposition, CallsAStreamSubscribedOnceItIsRequestedUnlessItIsRejected) {
  Measurements measurements({"trade.A"});
  const auto subscribed = [&](StreamState state) {
    measurements.of("trade.A").state.set(state);
    const auto line =
        series(expose(measurements), R"(backpack_bridge_stream_subscribed{stream="trade.A"})");
    return line.back();
  };
  EXPECT_EQ(subscribed(StreamState::waiting), '0');
  EXPECT_EQ(subscribed(StreamState::requested), '1');
  EXPECT_EQ(subscribed(StreamState::live), '1');
  EXPECT_EQ(subscribed(StreamState::rejected), '0');
}

TEST(Exposition, CumulatesBucketsAndTurnsNanosecondsIntoSeconds) {
  Measurements measurements({});
  measurements.forward.observe(2'000);       // 2 µs
  measurements.forward.observe(4'000);       // 4 µs
  measurements.forward.observe(99'000'000);  // 99 ms
  const auto text = expose(measurements);
  EXPECT_THAT(text, HasSubstr("backpack_bridge_forward_seconds_bucket{le=\"0.01\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("backpack_bridge_forward_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("backpack_bridge_forward_seconds_count 3\n"));
  const auto sum = series(text, "backpack_bridge_forward_seconds_sum");
  EXPECT_DOUBLE_EQ(std::stod(sum.substr(sum.find(' '))), 0.099006);
}

TEST(Exposition, SumsUpTheStreamsBeyondTwoThousandUnderOther) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kMaxStreamSeries + 2; ++i)
    names.push_back("trade.S" + std::to_string(i));
  Measurements measurements(names);
  for (const auto& name : names) {
    measurements.of(name).messages.add();
    measurements.of(name).state.set(StreamState::live);
  }
  measurements.of("never.configured").messages.add();
  measurements.of(names.back()).state.set(StreamState::rejected);
  const auto text = expose(measurements);
  EXPECT_THAT(text, HasSubstr(R"(received_messages_total{stream="trade.S1999"} 1)"));
  EXPECT_THAT(text, Not(HasSubstr("trade.S2000")));
  EXPECT_THAT(text, HasSubstr(R"(received_messages_total{stream="other"} 3)"));
  EXPECT_THAT(text, HasSubstr(R"(stream_subscribed{stream="other"} 0)"));
}

TEST(Exposition, HidesNoStreamStateUnderOtherWhereAllFit) {
  EXPECT_THAT(expose(Measurements({"trade.A"})),
              Not(HasSubstr(R"(stream_subscribed{stream="other"})")));
}

TEST(Exposition, HasOneSeriesWhereAStreamItselfIsCalledOther) {
  Measurements measurements({"other", "trade.A"});
  measurements.of("other").messages.add();
  measurements.of("never.configured").messages.add();
  const auto text = expose(measurements);
  const std::string_view series = "\nbackpack_bridge_received_messages_total{stream=\"other\"} ";
  const auto first = text.find(series);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text[first + series.size()], '2');
  EXPECT_EQ(text.find(series, first + 1), std::string::npos) << "Prometheus refuses such a scrape";
}

TEST(Exposition, DescribesTheProcess) {
  const auto process = ProcessMetrics::read();
  EXPECT_GT(process.cpu_seconds, 0);
  EXPECT_GT(process.resident_bytes, 1'000'000U);
  EXPECT_GT(process.open_fds, 2U);
  EXPECT_GE(process.max_fds, process.open_fds);
  EXPECT_GT(process.start_time_seconds, 1'600'000'000.0);
  const auto text = expose(Measurements({}), {.cpu_seconds = 1.5,
                                              .resident_bytes = 4096,
                                              .open_fds = 7,
                                              .max_fds = 1024,
                                              .start_time_seconds = 1.25});
  for (const std::string expected :
       {"process_cpu_seconds_total 1.5", "process_resident_memory_bytes 4096", "process_open_fds 7",
        "process_max_fds 1024", "process_start_time_seconds 1.25"})
    EXPECT_THAT(text, HasSubstr('\n' + expected + '\n'));
}

}  // namespace
}  // namespace bpx::bridge
