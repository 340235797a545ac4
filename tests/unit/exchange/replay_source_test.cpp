#include "tests/exchange/replay_source.hpp"

#include "tests/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace bpx::exchange {
namespace {

constexpr std::int64_t kStart = 1'000'000;
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

using Texts = std::vector<std::string>;

constexpr const char* kFirst = R"({"data": {"t":1}, "stream":"trade.A"})";
constexpr const char* kSecond = R"({"stream":"trade.B","data":{}})";

class ReplaySourceTest : public testing::Test {
 protected:
  std::string recording(const Texts& lines) {
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return directory_.write("recording", text);
  }
  static Texts played(ReplaySource& source, std::int64_t now_us, std::size_t limit = 100) {
    std::vector<SharedMessage> messages;
    source.play(now_us, limit, messages);
    Texts texts;
    for (const auto& message : messages) texts.push_back(message->text);
    return texts;
  }

 private:
  test::TemporaryDirectory directory_;
};

TEST_F(ReplaySourceTest, PlaysEachLineAsItIsAtItsTimeAndThenNoMore) {
  ReplaySource source(recording({kFirst, "", std::string(kSecond) + "\r"}), false);
  EXPECT_EQ(source.due_us(kStart), Pacer::kNever);
  source.set_rate(10, kStart);
  EXPECT_TRUE(played(source, kStart).empty());
  EXPECT_EQ(played(source, kStart + 100'000), Texts{kFirst});
  EXPECT_EQ(played(source, kStart + 300'000), Texts{kSecond});
  EXPECT_EQ(source.due_us(kStart + 400'000), Pacer::kNever);
}

TEST_F(ReplaySourceTest, BeginsAnewWhereItLoops) {
  ReplaySource source(recording({kFirst, kSecond}), true);
  source.set_rate(kUnlimited, kStart);
  EXPECT_EQ(played(source, kStart, 3), (Texts{kFirst, kSecond, kFirst}));
}

TEST_F(ReplaySourceTest, NamesTheLineThatIsNoEnvelope) {
  const auto file = recording({kFirst, "{}"});
  try {
    const ReplaySource source(file, false);
    FAIL();
  } catch (const std::runtime_error& wrong) {
    EXPECT_EQ(wrong.what(), file + ":2: not an envelope with a stream");
  }
}

TEST_F(ReplaySourceTest, DoesWithoutAnyLine) {
  ReplaySource source(recording({}), true);
  source.set_rate(kUnlimited, kStart);
  EXPECT_TRUE(played(source, kStart).empty());
}

}  // namespace
}  // namespace bpx::exchange
