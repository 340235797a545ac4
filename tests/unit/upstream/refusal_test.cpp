#include "bridge/upstream/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Wed, 21 Oct 2015 07:28:00 GMT
const auto kThen = std::chrono::system_clock::from_time_t(1'445'412'480);

Refusal refusal_of(std::string_view answer) {
  const auto refusal = parse_refusal(answer, kThen);
  EXPECT_TRUE(refusal) << answer;
  return refusal.value_or(Refusal());
}

std::optional<std::chrono::seconds> wait_of(const std::string& retry_after) {
  return refusal_of("HTTP/1.1 503 X\r\nRetry-After: " + retry_after + "\r\n\r\n").retry_after;
}

std::string text_of(const std::string& body) {
  return refusal_of("HTTP/1.1 403 Forbidden\r\n\r\n" + body).text;
}

TEST(Refusal, ComparesItsDateWithItsOwnClockRatherThanWithOurs) {
  const auto wait_by = [](const std::string& date) {
    return refusal_of("HTTP/1.1 503 X\r\nDate: " + date +
                      "\r\nRetry-After: Wed, 21 Oct 2015 07:38:05 GMT\r\n\r\n")
        .retry_after;
  };
  EXPECT_EQ(wait_by("Wed, 21 Oct 2015 07:38:00 GMT"), 5s);
  EXPECT_EQ(wait_by("the day before"), 300s);
}

TEST(Refusal, IsNothingThatGrantsOrIsNoWholeHead) {
  for (const auto* answer : {"HTTP/1.1 101 Switching Protocols\r\n\r\n",
                             "HTTP/1.1 403 Forbidden\r\n", "220 mail.example ESMTP\r\n\r\n", ""})
    EXPECT_FALSE(parse_refusal(answer, kThen)) << answer;
}

TEST(Refusal, HasTheStatusAndWhatIsThereOfTheBody) {
  const auto refusal =
      refusal_of("HTTP/1.1 503 Unavailable\r\nContent-Length: 4000000000\r\n\r\nback at");
  EXPECT_EQ(refusal.status, 503U);
  EXPECT_EQ(refusal.text, "back at");
  EXPECT_EQ(describe(refusal), "HTTP 503 (back at)");
  EXPECT_EQ(describe(refusal_of("HTTP/1.0 301 X\r\n\r\n")), "HTTP 301");
}

TEST(Refusal, SaysWhatAPageSaysOnOneLine) {
  EXPECT_EQ(text_of("<html>\r\n<head><title>403 Forbidden</title></head>\n<body class=\"a\">\n"
                    "<h1>Denied</h1><!-- none --></body></html>"),
            "403 Forbidden Denied");
  EXPECT_EQ(text_of(R"({"code":"x","a<b":1})"), R"({"code":"x","a<b":1})");
  EXPECT_EQ(text_of("a < b\x1b[2J\x7f"), "a < b [2J");
  EXPECT_EQ(text_of(" \r\n\t"), "");
  EXPECT_EQ(text_of("broken off <in a tag"), "broken off <in a tag");
}

TEST(Refusal, SaysNoMoreThanALineHolds) {
  EXPECT_EQ(text_of(std::string(5'000, 'x')), std::string(160, 'x'));
  std::string accents = "x";
  for (int i = 0; i < 200; ++i) accents += "\u00e9";
  EXPECT_EQ(text_of(accents), accents.substr(0, 159)) << "a character is not cut in two";
}

TEST(Refusal, LeavesOutTheLengthOfTheFirstChunk) {
  EXPECT_EQ(
      refusal_of("HTTP/1.1 403 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nno!\n\r\n0\r\n").text,
      "no! 0");
  EXPECT_EQ(refusal_of("HTTP/1.1 403 X\r\nTransfer-Encoding: chunked\r\n\r\n4").text, "");
}

TEST(Refusal, AsksToWaitForSecondsOrUntilADateAndNeverMoreThanFiveMinutes) {
  EXPECT_EQ(wait_of("20"), 20s);
  EXPECT_EQ(wait_of("0"), 0s);
  EXPECT_EQ(wait_of("301"), 300s);
  EXPECT_EQ(wait_of("99999999999999999999"), 300s);
  EXPECT_EQ(wait_of("Wed, 21 Oct 2015 07:28:42 GMT"), 42s);
  EXPECT_EQ(wait_of("Wednesday, 21-Oct-15 07:28:42 GMT"), 42s);
  EXPECT_EQ(wait_of("Wed Oct 21 07:28:42 2015"), 42s);
  EXPECT_EQ(wait_of("Wed, 21 Oct 2015 07:27:00 GMT"), 0s) << "it is over";
  for (const auto* never : {"Fri, 31 Dec 2099 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"})
    EXPECT_EQ(wait_of(never), 300s) << never;
  for (const auto* past : {"Sat, 01 Jan 1600 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"})
    EXPECT_EQ(wait_of(past), 0s) << past;
  for (const auto* nonsense :
       {"", "-1", "1.5", "soon", "20 s", "99999999999 s", "Wed, 21 Oct 2015"})
    EXPECT_EQ(wait_of(nonsense), std::nullopt) << nonsense;
}

TEST(Refusal, OfTheUnwelcomeKeepsThemAwayForASecondAtLeast) {
  EXPECT_EQ(upgrade_refused({.status = 403}).at_least, 1s);
  EXPECT_EQ(upgrade_refused({.status = 429}).at_least, 1s);
  EXPECT_EQ(upgrade_refused({.status = 429, .retry_after = 0s}).at_least, 1s);
  EXPECT_EQ(upgrade_refused({.status = 429, .retry_after = 20s}).at_least, 20s);
  EXPECT_EQ(upgrade_refused({.status = 503}).at_least, 0s);
  EXPECT_EQ(upgrade_refused({.status = 503, .retry_after = 20s}).at_least, 20s);
}

TEST(Refusal, NamesWhereItPointsTo) {
  const auto failure = upgrade_refused(refusal_of(
      "HTTP/1.1 301 Moved\r\nLocation: wss://other.example/" + std::string(900, 'x') + "\r\n\r\n"));
  EXPECT_EQ(failure.result, ConnectResult::handshake);
  EXPECT_THAT(failure.detail,
              HasSubstr("HTTP 301 instead of a WebSocket: it points to wss://other"));
  EXPECT_LT(failure.detail.size(), 400U);
}

}  // namespace
}  // namespace bpx::bridge
