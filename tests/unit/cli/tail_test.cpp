#include "bridge/cli/tail_line.hpp"
#include "bridge/cli/tail_watch.hpp"
#include "bridge/cli/topic_pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

TEST(TopicPattern, ComparesExactlyUnlessItEndsInAStar) {
  const TopicPattern exact("trade.SOL_USDC");
  EXPECT_TRUE(exact.matches("trade.SOL_USDC"));
  EXPECT_FALSE(exact.matches("trade.SOL_USDC_PERP"));
  EXPECT_EQ(exact.subscription(), "trade.SOL_USDC");
  const TopicPattern prefix("trade.SOL*");
  EXPECT_TRUE(prefix.matches("trade.SOL_USDC_PERP"));
  EXPECT_FALSE(prefix.matches("trade.BTC_USDC"));
  EXPECT_EQ(prefix.subscription(), "trade.SOL");
  EXPECT_TRUE(TopicPattern("*").matches("anything"));
}

TailMessage message(std::string_view topic, std::string_view payload) {
  TailMessage message{.topic = topic, .payload = payload, .header = {}, .arrived_ns = 0};
  message.header.sequence = 42;
  message.header.event_ns = 1'788'367'430'323'775'000;
  message.arrived_ns = message.header.event_ns + 1'500'000;
  return message;
}

TEST(TailLine, ShowsTimeTopicSequenceLagAndPayload) {
  TailLine line({});
  EXPECT_EQ(line.format(message("trade.SOL_USDC", "{}")),
            "16:43:50.325  trade.SOL_USDC         42    1.5 ms  {}");
}

TEST(TailLine, KeepsItsColumnsAligned) {
  TailLine line({});
  const auto first = line.format(message("depth.200ms.SOL_USDC", "{1}"));
  const auto second = line.format(message("trade.X", "{2}"));
  EXPECT_EQ(first.find("{1}"), second.find("{2}"));
}

TEST(TailLine, MeasuresFromTheBridgeWhereTheMessageHasNoEventTime) {
  TailLine line({});
  auto without_event_time = message("t", "{}");
  without_event_time.header.event_ns = 0;
  without_event_time.header.received_ns = without_event_time.arrived_ns - 2'000;
  EXPECT_THAT(line.format(without_event_time), HasSubstr(" 2 µs "));
}

TEST(TailLine, TellsWhatTheFlagsSay) {
  TailLine line({});
  auto flagged = message("t", "{}");
  flagged.header.flags =
      proto::MessageHeader::gap_before | proto::MessageHeader::first_on_connection;
  flagged.header.connection = 2;
  EXPECT_THAT(line.format(flagged), EndsWith("GAP first on connection 2 {}"));
}

TEST(TailLine, NeverBreaksTheLineOrSteersTheTerminal) {
  TailLine line({});
  const auto text = line.format(message("t\x1b[2J", "{\n\"a\":\x1b[31m1}"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(TailLine, NeitherTurnsNorHidesText) {
  TailLine line({});
  for (const auto* steering : {"\u0085", "\u009b", "\u061c", "\u200b", "\u200f", "\u2028", "\u202e",
                               "\u2066", "\u2069", "\ufeff", "\U000e0041"})
    EXPECT_EQ(line.format(message("t", steering)).find(steering), std::string::npos)
        << testing::PrintToString(steering);
  for (const auto* harmless : {"caf\u00e9", "\u20ac", "\u2026", "\u4e2d\u6587", "\U0001f600"})
    EXPECT_THAT(line.format(message("t", harmless)), EndsWith(harmless));
}

TEST(TailLine, CutsThePayloadToTheTerminal) {
  TailLine line({.has_colour = false, .width = 80});
  const auto text = line.format(message("trade.SOL_USDC", std::string(500, 'x')));
  EXPECT_THAT(text, EndsWith("x…"));
  EXPECT_EQ(text.size(), 80U + 2U);  // the ellipsis is three bytes wide
}

TEST(FormatLag, ChoosesTheUnitAPersonWould) {
  EXPECT_EQ(format_lag(999), "1 µs");
  EXPECT_EQ(format_lag(873'000), "873 µs");
  EXPECT_EQ(format_lag(12'400'000), "12.4 ms");
  EXPECT_EQ(format_lag(3'200'000'000), "3.2 s");
  EXPECT_EQ(format_lag(-1'500'000), "-1.5 ms");
}

proto::MessageHeader header(std::uint64_t epoch, std::uint64_t sequence) {
  proto::MessageHeader header;
  header.epoch_us = epoch;
  header.sequence = sequence;
  return header;
}

TEST(TailWatch, RemarksOnMessagesLostOnTheWay) {
  TailWatch watch;
  EXPECT_FALSE(watch.on_message("trade.A", header(1, 5)));
  EXPECT_FALSE(watch.on_message("trade.A", header(1, 6)));
  EXPECT_FALSE(watch.on_message("trade.B", header(1, 1)));
  EXPECT_THAT(watch.on_message("trade.A", header(1, 10)).value_or(""),
              HasSubstr("3 messages of trade.A"));
}

TEST(TailWatch, RemarksOnARestart) {
  TailWatch watch;
  EXPECT_FALSE(watch.on_message("trade.A", header(1, 5)));
  EXPECT_THAT(watch.on_message("trade.A", header(2, 1)).value_or(""), HasSubstr("restarted"));
  EXPECT_FALSE(watch.on_message("trade.A", header(2, 2)));
}

TEST(TailWatch, RemarksOnARestartThoughTheClockWasSetBack) {
  TailWatch watch;
  EXPECT_FALSE(watch.on_message("trade.A", header(2, 5)));
  EXPECT_THAT(watch.on_message("trade.A", header(1, 1)).value_or(""), HasSubstr("restarted"));
  EXPECT_FALSE(watch.on_message("trade.A", header(1, 2)));
}

TEST(TailWatch, RemarksOnASequenceThatGoesBackWithoutFloodingWhoReads) {
  TailWatch watch;
  EXPECT_FALSE(watch.on_message("trade.A", header(1, 5)));
  EXPECT_THAT(watch.on_message("trade.A", header(1, 3)).value_or(""),
              HasSubstr("message 3 of trade.A came after 5"));
  EXPECT_FALSE(watch.on_message("trade.A", header(1, 4)));
  EXPECT_THAT(watch.on_message("trade.A", header(1, 4)).value_or(""), HasSubstr("2 times"));
  int remarks = 0;
  for (int i = 0; i < 1'000; ++i) remarks += watch.on_message("trade.A", header(1, 4)) ? 1 : 0;
  EXPECT_EQ(remarks, 8) << "at 4, 8 … 512";
}

TEST(TailWatch, TakesTheEndOfAnAnswerForNoStepBack) {
  TailWatch watch;
  auto last = header(1, 5);
  last.flags = proto::MessageHeader::replay;
  EXPECT_FALSE(watch.on_message("bridge.replay/trade.A/1/x", last));
  last.flags |= proto::MessageHeader::end_of_replay;
  EXPECT_FALSE(watch.on_message("bridge.replay/trade.A/1/x", last));
}

TEST(TailWatch, KeepsNothingOfAnswersToOthers) {
  TailWatch watch;
  EXPECT_FALSE(watch.on_message("bridge.replay/trade.A/1/x", header(1, 1)));
  EXPECT_FALSE(watch.on_message("bridge.replay/trade.A/1/x", header(1, 5)));
  EXPECT_THAT(watch.on_message("bridge.book/depth.A/x", header(2, 1)).value_or(""),
              HasSubstr("restarted"));
}

TEST(TailWatch, RemarksOnUnreadableHeadersWithoutFloodingWhoReads) {
  TailWatch watch;
  EXPECT_THAT(watch.on_unreadable("trade.A").value_or(""), HasSubstr("trade.A has no header"));
  int remarks = 1;
  for (int i = 1; i < 1'000; ++i) remarks += watch.on_unreadable("trade.A") ? 1 : 0;
  EXPECT_EQ(remarks, 10) << "at 1, 2, 4 … 512";
}

constexpr TailWatch::TimePoint kStart{1h};
constexpr auto kHeartbeat = R"({"event":"heartbeat","state":"live","connection":1})";

TEST(TailWatch, ExplainsSilenceByWhatItKnows) {
  TailWatch watch;
  EXPECT_THAT(watch.explain_silence("tcp://x:1", "trade.A", kStart),
              HasSubstr("not even heartbeats"));
  EXPECT_FALSE(watch.on_status(R"({"event":"heartbeat","state":"down","connection":0})", kStart));
  EXPECT_THAT(watch.explain_silence("tcp://x:1", "trade.A", kStart), HasSubstr("state down"));
  EXPECT_TRUE(watch.on_status(R"({"event":"connected","state":"live","connection":2})", kStart));
  EXPECT_THAT(watch.explain_silence("tcp://x:1", "trade.A", kStart),
              HasSubstr("nothing comes on trade.A"));
}

TEST(TailWatch, NoticesThatHeartbeatsHaveStopped) {
  TailWatch watch;
  EXPECT_FALSE(watch.misses_heartbeats(kStart)) << "of a bridge that was never heard of";
  watch.on_status(kHeartbeat, kStart);
  watch.on_status(kHeartbeat, kStart + 1s);
  EXPECT_FALSE(watch.misses_heartbeats(kStart + 2s));
  EXPECT_TRUE(watch.misses_heartbeats(kStart + 4s));
  EXPECT_THAT(watch.explain_silence("tcp://x:1", "trade.A", kStart + 4s),
              HasSubstr("heartbeats have stopped"));
  watch.on_status(kHeartbeat, kStart + 5s);
  EXPECT_FALSE(watch.misses_heartbeats(kStart + 6s));
}

TEST(TailWatch, GivesABridgeWhoseHeartIsSlowItsTime) {
  TailWatch watch;
  watch.on_status(kHeartbeat, kStart);
  watch.on_status(kHeartbeat, kStart + 30s);
  EXPECT_FALSE(watch.misses_heartbeats(kStart + 60s));
  EXPECT_TRUE(watch.misses_heartbeats(kStart + 91s));
}

TEST(TailWatch, TakesNothingForKnownOfABridgeThatHasShutDown) {
  TailWatch watch;
  watch.on_status(kHeartbeat, kStart);
  EXPECT_TRUE(watch.on_status(R"({"event":"shutdown","state":"down","connection":1})", kStart));
  EXPECT_THAT(watch.explain_silence("tcp://x:1", "trade.A", kStart + 10s),
              HasSubstr("does the bridge run"));
}

TEST(TailWatch, TellsOnceWhatComesFromBothEndpoints) {
  TailWatch watch;
  constexpr auto kRejected = R"({"event":"rejected","stream":"trade.X","message":"m"})";
  EXPECT_TRUE(watch.on_status(kRejected, kStart));
  EXPECT_FALSE(watch.on_status(kRejected, kStart + 10ms));
  EXPECT_TRUE(watch.on_status(R"({"event":"rejected","stream":"trade.Y","message":"m"})", kStart));
  EXPECT_TRUE(watch.on_status(kRejected, kStart + 10s)) << "on another connection";
}

TEST(TailWatch, ThinksOfTheKeysWhereNothingComesAtAll) {
  EXPECT_THAT(TailWatch().explain_silence("tcp://x:1", "trade.A", kStart),
              HasSubstr("Then give --curve-server-key"));
  const auto explained = TailWatch("MY_KEY").explain_silence("tcp://x:1", "trade.A", kStart);
  EXPECT_THAT(explained, HasSubstr("admit the client key MY_KEY"));
  EXPECT_THAT(explained, HasSubstr("Is --curve-server-key this bridge's"));
}

TEST(TailWatch, RemarksOnWhatHappensToTheBridge) {
  TailWatch watch;
  const auto remark_on = [&](std::string_view status) {
    return watch.on_status(status, kStart).value_or("");
  };
  EXPECT_THAT(
      remark_on(
          R"({"event":"disconnected","state":"down","connection":1,"reason":"idle","retry_ms":80})"),
      HasSubstr("(idle), retries in 80 ms"));
  EXPECT_THAT(
      remark_on(
          R"({"event":"rejected","stream":"trade.X","code":4006,"message":"Invalid stream"})"),
      HasSubstr("trade.X: Invalid stream"));
  EXPECT_THAT(remark_on(R"({"event":"shutdown"})"), HasSubstr("shuts down"));
  EXPECT_THAT(remark_on(R"({"event":1,"state":2})"), IsEmpty());
  EXPECT_THAT(remark_on(R"({"event":"disconnected","reason":[],"retry_ms":"x"})"),
              HasSubstr("lost the exchange"));
  EXPECT_THAT(remark_on("not JSON"), IsEmpty());
  EXPECT_THAT(remark_on("[1]"), IsEmpty());
}

}  // namespace
}  // namespace bpx::bridge::cli
