#include "bridge/publish/unsent.hpp"

#include <gtest/gtest.h>
#include <zmq.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

const proto::MessageHeader kHeader{.sequence = 7};

class UnsentTest : public testing::Test {
 protected:
  Unsent unsent_{1'000};
};

TEST_F(UnsentTest, IsWhatLibzmqHasNotLetGoOf) {
  EXPECT_EQ(unsent_.bytes(), 0U);
  {
    const auto first = unsent_.receipt(kHeader, 100);
    EXPECT_EQ(unsent_.bytes(), 100U);
    auto second = unsent_.receipt(kHeader, 20);
    EXPECT_EQ(unsent_.bytes(), 120U);
    zmq::message_t of_another_consumer;
    of_another_consumer.copy(second);
    second.rebuild();
    EXPECT_EQ(unsent_.bytes(), 120U) << "another waits for it still";
  }
  EXPECT_EQ(unsent_.bytes(), 0U);
}

TEST_F(UnsentTest, BearsTheHeader) {
  const auto frame = unsent_.receipt(kHeader, 100);
  const auto bytes = kHeader.encode();
  EXPECT_EQ(frame, zmq::message_t(bytes.data(), bytes.size()));
}

TEST_F(UnsentTest, CountsAnAnswerInItsAskersBacklogToo) {
  const auto backlog = std::make_shared<Backlog>();
  {
    const auto frame = unsent_.receipt(kHeader, 100, backlog);
    EXPECT_EQ(backlog->bytes(), 100 + Backlog::kMessageOverhead);
  }
  EXPECT_EQ(backlog->bytes(), 0U);
  EXPECT_EQ(backlog.use_count(), 1);
}

TEST_F(UnsentTest, AlarmsWhereMoreWaitsThanItMayAndNotForWhatWasTaken) {
  for (int i = 0; i < 100; ++i) {
    const auto taken_at_once = unsent_.receipt(kHeader, 900);
    EXPECT_FALSE(unsent_.is_alarming()) << i;
  }
  std::vector<zmq::message_t> waiting;
  for (int i = 0; i < 10; ++i) {
    waiting.push_back(unsent_.receipt(kHeader, 100));
    EXPECT_FALSE(unsent_.is_alarming()) << i;
  }
  waiting.push_back(unsent_.receipt(kHeader, 1));
  EXPECT_TRUE(unsent_.is_alarming());
  EXPECT_FALSE(unsent_.is_alarming()) << "it has just been said";
  waiting.push_back(unsent_.receipt(kHeader, 500));
  EXPECT_TRUE(unsent_.is_alarming());
  waiting.clear();
  waiting.push_back(unsent_.receipt(kHeader, 500));
  EXPECT_FALSE(unsent_.is_alarming());
}

TEST_F(UnsentTest, IsRightThoughReceiptsComeBackOnAnotherThread) {
  constexpr int kMessages = 200'000;  // more than are kept
  zmq::context_t context(0);
  zmq::socket_t here(context, zmq::socket_type::pair);
  zmq::socket_t there(context, zmq::socket_type::pair);
  here.set(zmq::sockopt::sndhwm, 0);
  there.set(zmq::sockopt::rcvhwm, 0);
  there.bind("inproc://there");
  here.connect("inproc://there");
  std::atomic<int> sent = 0;  // tells ThreadSanitizer of the order that libzmq keeps, unseen
  std::thread taker([&] {
    zmq::message_t frame;
    for (int i = 0; i < kMessages; ++i) {
      if (!there.recv(frame)) continue;
      EXPECT_GT(sent.load(std::memory_order_acquire), i);
      frame.rebuild();
    }
  });
  for (int i = 0; i < kMessages; ++i) {
    auto receipt = unsent_.receipt(kHeader, 3);
    sent.store(i + 1, std::memory_order_release);
    here.send(std::move(receipt), zmq::send_flags::none);
  }
  taker.join();
  EXPECT_EQ(unsent_.bytes(), 0U);
}

}  // namespace
}  // namespace bpx::bridge
