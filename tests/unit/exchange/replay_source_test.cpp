#include "tests/exchange/replay_source.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace bpx::exchange {
namespace {

constexpr std::int64_t kStart = 1'000'000;
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

/// A recording that lasts as long as its test.
class ReplaySourceTest : public testing::Test {
 protected:
  ReplaySourceTest()
      : file_(std::filesystem::path(testing::TempDir()) /
              (std::string("recording_") +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {}
  ~ReplaySourceTest() override { std::filesystem::remove(file_); }

  const std::filesystem::path& recording(const std::string& lines) {
    std::ofstream(file_) << lines;
    return file_;
  }
  static std::vector<std::string> played(ReplaySource& source, std::int64_t now_us,
                                         std::size_t limit = 100) {
    std::vector<SharedMessage> messages;
    source.play(now_us, limit, messages);
    std::vector<std::string> texts;
    for (const auto& message : messages) texts.push_back(message->text);
    return texts;
  }

 private:
  std::filesystem::path file_;
};

using Texts = std::vector<std::string>;
const std::string kFirst = R"({"data": {"t":1}, "stream":"trade.A"})";
const std::string kSecond = R"({"stream":"trade.B","data":{}})";

TEST_F(ReplaySourceTest, PlaysEachLineAsItIsAtItsTimeAndThenNoMore) {
  ReplaySource source(recording(kFirst + "\n\n" + kSecond + "\r\n"), false);
  EXPECT_EQ(source.due_us(kStart), Pacer::kNever);
  source.set_rate(10, kStart);
  EXPECT_TRUE(played(source, kStart).empty());
  EXPECT_EQ(played(source, kStart + 100'000), Texts{kFirst});
  EXPECT_EQ(played(source, kStart + 300'000), Texts{kSecond});
  EXPECT_EQ(source.due_us(kStart + 400'000), Pacer::kNever);
}

TEST_F(ReplaySourceTest, BeginsAnewWhereItLoops) {
  ReplaySource source(recording(kFirst + "\n" + kSecond), true);
  source.set_rate(kUnlimited, kStart);
  EXPECT_EQ(played(source, kStart, 3), (Texts{kFirst, kSecond, kFirst}));
}

TEST_F(ReplaySourceTest, NamesTheLineThatIsNoEnvelope) {
  const auto& file = recording(kFirst + "\n{}\n");
  try {
    const ReplaySource source(file, false);
    FAIL();
  } catch (const std::runtime_error& wrong) {
    EXPECT_EQ(wrong.what(), file.string() + ":2: not an envelope with a stream");
  }
}

TEST_F(ReplaySourceTest, DoesWithoutAnyLine) {
  ReplaySource source(recording(""), true);
  source.set_rate(kUnlimited, kStart);
  EXPECT_TRUE(played(source, kStart).empty());
}

}  // namespace
}  // namespace bpx::exchange
