#include "bridge/cli/outbox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

using namespace std::chrono_literals;

/// A pipe whose reader reads when it is told to.
class OutboxTest : public testing::Test {
 protected:
  OutboxTest() { EXPECT_EQ(::fcntl(ends_[0], F_SETFL, O_NONBLOCK), 0); }
  ~OutboxTest() override {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }

  std::string read_all() const {
    std::string text;
    std::array<char, 4096> chunk{};
    for (ssize_t bytes = 0; (bytes = ::read(ends_[0], chunk.data(), chunk.size())) > 0;)
      text.append(chunk.data(), static_cast<std::size_t>(bytes));
    return text;
  }

  static constexpr std::size_t kMost = 1'000'000;

  static std::array<int, 2> make_pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    return ends;
  }

  std::array<int, 2> ends_ = make_pipe();
  Outbox box_{ends_[1], kMost};
};

TEST_F(OutboxTest, WritesLinesInTheirOrder) {
  EXPECT_TRUE(box_.add("first"));
  EXPECT_TRUE(box_.add(""));
  EXPECT_TRUE(box_.add("third"));
  EXPECT_EQ(box_.waiting(), 13U);
  box_.flush();
  EXPECT_EQ(read_all(), "first\n\nthird\n");
  EXPECT_EQ(box_.waiting(), 0U);
}

TEST_F(OutboxTest, NeitherWaitsForASlowReaderNorLosesWhatItHasTakenIn) {
  std::string taken_in, read;
  for (int i = 0; i < 50'000; ++i) {  // beyond what a pipe holds
    const auto line = "line " + std::to_string(i);
    ASSERT_TRUE(box_.add(line));
    taken_in += line + '\n';
  }
  box_.flush();
  EXPECT_GT(box_.waiting(), 0U) << "the pipe holds it all";
  while (box_.waiting() > 0) {
    read += read_all();
    box_.flush();
  }
  EXPECT_EQ(read + read_all(), taken_in);
}

TEST_F(OutboxTest, IsBoundedAndTakesNothingInUntilHalfOfThatHasGone) {
  const std::string line(9'999, 'x');
  for (std::size_t i = 0; i < kMost / 10'000; ++i) ASSERT_TRUE(box_.add(line));
  EXPECT_FALSE(box_.is_full());
  EXPECT_FALSE(box_.add("y"));
  EXPECT_TRUE(box_.is_full());
  EXPECT_EQ(box_.waiting(), kMost);
  std::string read;
  box_.flush();
  while (box_.waiting() > kMost / 2) {
    EXPECT_FALSE(box_.add("y")) << "there is room, but it would soon be gone again";
    read += read_all();
    box_.flush();
  }
  EXPECT_TRUE(box_.add("z"));
  while (box_.waiting() > 0) {
    read += read_all();
    box_.flush();
  }
  read += read_all();
  EXPECT_EQ(read.size(), kMost + 2);
  EXPECT_TRUE(read.ends_with("x\nz\n"));
}

TEST_F(OutboxTest, TakesALineThatIsLargerThanWhatLinesShare) {
  const std::string line(kMost - 1, 'x');
  ASSERT_TRUE(box_.add(line));
  std::string read;
  while (box_.waiting() > 0) {
    box_.flush();
    read += read_all();
  }
  EXPECT_EQ(read, line + '\n');
}

TEST_F(OutboxTest, TellsThatNobodyReadsAnyMore) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  ASSERT_TRUE(box_.add("x"));
  ::close(ends_[0]);
  box_.flush();
  EXPECT_TRUE(box_.has_failed());
  std::signal(SIGPIPE, before);
  ends_[0] = ::dup(ends_[1]);  // for the destructor
}

TEST(OutboxOfAFullDisk, HasFailed) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  Outbox box(full, 100);
  ASSERT_TRUE(box.add("x"));
  EXPECT_FALSE(box.has_failed()) << "nothing has been tried yet";
  box.flush();
  EXPECT_TRUE(box.has_failed());
  ::close(full);
}

}  // namespace
}  // namespace bpx::bridge::cli
