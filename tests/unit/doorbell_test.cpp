#include "bridge/doorbell.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include <unistd.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

constexpr auto kNever = std::chrono::milliseconds(10min);

/// A pipe: what is written at one end can be read at the other.
class Door {
 public:
  Door() { EXPECT_EQ(pipe(ends_.data()), 0); }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door() {
    for (const int end : ends_) close(end);
  }

  int descriptor() const { return ends_[0]; }
  void knock() const { EXPECT_EQ(write(ends_[1], "!", 1), 1); }
  void answer() const {
    char knock = 0;
    EXPECT_EQ(read(ends_[0], &knock, 1), 1);
  }

 private:
  std::array<int, 2> ends_{};
};

class DoorbellTest : public testing::Test {
 protected:
  using Wait = boost::asio::awaitable<void>;

  /// Runs the loop until `wait` is over; `meanwhile` happens once that has begun.
  void run(
      Wait wait, const std::function<void()>& meanwhile = [] {}) {
    bool is_over = false;
    boost::asio::co_spawn(loop_, std::move(wait),
                          [&](const std::exception_ptr& failure) { is_over = !failure; });
    boost::asio::post(loop_, meanwhile);
    loop_.restart();
    while (!is_over && loop_.run_one() > 0) continue;
    EXPECT_TRUE(is_over);
  }

  boost::asio::io_context loop_;
  Door first_, second_;
  Doorbell bell_{loop_.get_executor(), {first_.descriptor(), second_.descriptor()}};
};

TEST_F(DoorbellTest, EndsAWaitOnceAnyDescriptorCanBeRead) {
  run(bell_.wait(kNever), [&] { first_.knock(); });
  first_.answer();
  run(bell_.wait(kNever), [&] { second_.knock(); });
}

TEST_F(DoorbellTest, EndsAWaitAtOnceWhereADescriptorCanBeReadAlready) {
  first_.knock();
  run(bell_.wait(kNever));
  run(bell_.wait(kNever));  // nobody has read
}

TEST_F(DoorbellTest, ReturnsInTimeWhereNobodyRings) {
  run(bell_.wait(1ms));
  run(bell_.wait(1ms), [] {});
}

TEST_F(DoorbellTest, LeavesAWaitAloneThatIsNotToBeDisturbed) {
  run(bell_.wait(1ms));  // the bells are listened to from here on
  const auto begin = std::chrono::steady_clock::now();
  run(bell_.wait_undisturbed(20ms), [&] { first_.knock(); });
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
  run(bell_.wait(kNever));  // and has not forgotten who rang
}

TEST_F(DoorbellTest, EndsTheWaitAndLeavesTheDescriptorsOpenWhenItIsClosed) {
  run(bell_.wait(kNever), [&] { bell_.close(); });
  first_.knock();
  first_.answer();
  loop_.restart();
  loop_.run();  // nothing keeps it going
}

}  // namespace
}  // namespace bpx::bridge
