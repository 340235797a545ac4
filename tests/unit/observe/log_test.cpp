#include "bridge/observe/log.hpp"

#include "bridge/observe/log_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

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

TEST(TextLine, EscapesWhatWouldSteerATerminalOrTurnTheText) {
  constexpr auto kWords = "\u009b31m \u202eback \x7f";
  for (const auto& line : {text_line(kTime, LogLevel::warn, "error", {{"message", kWords}}),
                           text_line(kTime, LogLevel::warn, "error", {{"message", "\u009b"}}),
                           json_line(kTime, LogLevel::warn, "error", {{"message", kWords}})}) {
    const auto is_printable = [](char c) { return c >= 0x20 && c < 0x7f; };
    EXPECT_TRUE(std::ranges::all_of(line, is_printable)) << line;
    EXPECT_THAT(line, HasSubstr(R"(\u009b)"));
  }
}

TEST(LogLine, CutsLongTextsBetweenTwoCharactersAndSaysHowMuchIsMissing) {
  const std::string fits(2'000, 'x');
  const auto long_one = 'y' + [] {
    std::string euros;
    for (int i = 0; i < 1'000; ++i) euros += "\u20ac";
    return euros;
  }();
  for (const auto& make : {text_line, json_line}) {
    EXPECT_THAT(make(kTime, LogLevel::warn, "error", {{"message", fits}}), HasSubstr(fits));
    const auto line = make(kTime, LogLevel::warn, "error", {{"message", long_one}, {"code", 7}});
    EXPECT_THAT(line, HasSubstr("\\u20ac... (1002 more bytes)\""));
    EXPECT_THAT(line, testing::Not(HasSubstr("\\ufffd"))) << "a character was cut in two";
    EXPECT_THAT(line, testing::ContainsRegex("code\"?[=:]7"));
    EXPECT_LT(
        make(kTime, LogLevel::warn, "error", {{"message", std::string(1'000'000, 'z')}}).size(),
        2'200U);
  }
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

/// stderr led into a pipe that nobody reads until told to.
class StderrPipe {
 public:
  StderrPipe() {
    EXPECT_EQ(::pipe(ends_.data()), 0);
    ::dup2(ends_[1], STDERR_FILENO);
    ::close(ends_[1]);
  }
  ~StderrPipe() {
    ::dup2(kept_, STDERR_FILENO);
    ::close(kept_);
    ::close(ends_[0]);
  }
  StderrPipe(const StderrPipe&) = delete;
  StderrPipe& operator=(const StderrPipe&) = delete;

  /// Everything up to and including `last`.
  std::string read_up_to(std::string_view last) {
    std::string text;
    std::array<char, 4096> chunk{};
    while (text.find(last) == std::string::npos) {
      const auto bytes = ::read(ends_[0], chunk.data(), chunk.size());
      if (bytes <= 0) break;
      text.append(chunk.data(), static_cast<std::size_t>(bytes));
    }
    return text;
  }

 private:
  int kept_ = ::dup(STDERR_FILENO);
  std::array<int, 2> ends_{};
};

TEST(Log, TellsOfEveryLineThatAStuckReaderOfStderrHasCost) {
  constexpr int kLines = 30'000;  // more than the pipe and the queue hold
  StderrPipe pipe;
  std::string text;
  std::thread reader;
  {
    Log log({});
    for (int i = 0; i < kLines; ++i) log.info("line", {{"number", i}});
    reader = std::thread([&] { text = pipe.read_up_to("the end"); });
  }
  {
    Log log({});
    log.info("the end");
  }
  reader.join();
  std::size_t written = 0;
  std::uint64_t lost = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::string_view notice = "log lines dropped count=";
    const auto at = line.find(notice);
    if (at != std::string::npos) lost += std::stoull(line.substr(at + notice.size()));
    written += line.find(" line number=") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(written + lost, static_cast<std::size_t>(kLines)) << "some were lost unseen";
}

TEST(Log, ChangesItsLevelFromTheNextLineOn) {
  std::vector<std::string> lines;
  {
    Log log({.level = LogLevel::warn,
             .sink = [&](LogLevel, std::string_view line) { lines.emplace_back(line); }});
    log.info("unseen");
    log.set_level(LogLevel::trace);
    log.write(LogLevel::trace, "seen");
    log.set_level(LogLevel::error);
    log.warn("unseen");
  }
  EXPECT_THAT(lines, ElementsAre(EndsWith("TRACE seen")));
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
