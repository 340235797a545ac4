#include "bridge/observe/log.hpp"

#include "bridge/observe/log_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <vector>

namespace bpx::bridge {
namespace {

using std::chrono::microseconds;
using std::chrono::system_clock;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

constexpr system_clock::time_point kTime{microseconds(1'788'367'430'323'775)};

TEST(TextLine, ReadsFromLeftToRight) {
  EXPECT_EQ(text_line(kTime, LogLevel::info, "connected",
                      {{"connection", 3}, {"host", "ws.backpack.exchange"}, {"clean", true}}),
            "2026-09-02T16:43:50.323775Z INFO  connected connection=3 host=ws.backpack.exchange "
            "clean=true");
}

TEST(TextLine, QuotesWhatWouldBeAmbiguousAndEscapesWhatWouldForge) {
  const auto line = text_line(kTime, LogLevel::warn, "error",
                              {{"message", "two words"}, {"empty", ""}, {"evil", "a\nb\x1b[0m"}});
  EXPECT_THAT(line, HasSubstr(R"(message="two words" empty="" evil="a\nb\u001b[0m")"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(JsonLine, HasStableKeysAndTypedValues) {
  const auto json = nlohmann::json::parse(json_line(
      kTime, LogLevel::error, "rejected",
      {{"stream", "trade.X"}, {"code", -4006}, {"big", ~0ULL}, {"share", 0.5}, {"final", false}}));
  EXPECT_EQ(json, nlohmann::json::parse(
                      R"({"time":"2026-09-02T16:43:50.323775Z","level":"error","event":"rejected",
                          "stream":"trade.X","code":-4006,"big":18446744073709551615,"share":0.5,
                          "final":false})"));
}

TEST(JsonLine, SurvivesInvalidUtf8) {
  const auto line = json_line(kTime, LogLevel::info, "x", {{"bytes", "\xff\xfe"}});
  EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

TEST(Log, WritesItsLevelAndAboveInOrderAndAllBeforeItEnds) {
  std::vector<std::string> lines;
  {
    Log log({.level = LogLevel::info,
             .sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); }});
    log.debug("unseen");
    log.info("first");
    log.warn("second");
    log.error("third");
    EXPECT_FALSE(log.is_enabled(LogLevel::debug));
  }
  EXPECT_THAT(lines, ElementsAre(EndsWith("INFO  first"), EndsWith("WARN  second"),
                                 EndsWith("ERROR third")));
}

TEST(Log, KnowsItsLevelsByName) {
  for (const auto level :
       {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error})
    EXPECT_EQ(Log::level_of(level_name(level)), level);
  EXPECT_EQ(Log::format_of("json"), LogFormat::json);
  EXPECT_EQ(Log::format_of("text"), LogFormat::text);
}

}  // namespace
}  // namespace bpx::bridge
