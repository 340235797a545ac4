#include "bridge/publish/jetstream_window.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace bpx::bridge {
namespace {

proto::MessageHeader numbered(std::uint64_t sequence) {
  proto::MessageHeader header;
  header.sequence = sequence;
  return header;
}

TEST(JetStreamWindow, KeepsNameHeaderAndPayload) {
  JetStreamWindow window(4, 1'000);
  ASSERT_TRUE(window.push("trade.A", "{}", numbered(7)));
  EXPECT_EQ(window.at(0).stream(), "trade.A");
  EXPECT_EQ(window.at(0).payload(), "{}");
  EXPECT_EQ(window.at(0).header, numbered(7));
  EXPECT_EQ(window.end(), 1U);
}

TEST(JetStreamWindow, TakesNoMoreMessagesThanItsBound) {
  JetStreamWindow window(2, 1'000);
  EXPECT_TRUE(window.push("a", "1", {}));
  EXPECT_TRUE(window.push("a", "2", {}));
  EXPECT_FALSE(window.push("a", "3", {}));
  EXPECT_EQ(window.end(), 2U);
  EXPECT_TRUE(window.settle(0));
  EXPECT_TRUE(window.push("a", "4", {}));
  EXPECT_EQ(window.at(1).payload(), "2");
  EXPECT_EQ(window.at(2).payload(), "4");
}

TEST(JetStreamWindow, TakesNoMoreBytesThanItsBound) {
  JetStreamWindow window(100, 10);
  EXPECT_TRUE(window.push("a", "12345", {}));
  EXPECT_FALSE(window.push("a", "1234", {})) << "11 bytes in all";
  EXPECT_TRUE(window.push("a", "123", {}));
  EXPECT_TRUE(window.settle(0));
  EXPECT_TRUE(window.push("a", "12345", {}));
  EXPECT_FALSE(window.push("", "1", {}));
}

TEST(JetStreamWindow, KeepsWhatIsNotSettledInFrontOfWhatIs) {
  JetStreamWindow window(3, 1'000);
  for (const auto* payload : {"0", "1", "2"}) ASSERT_TRUE(window.push("a", payload, {}));
  EXPECT_TRUE(window.settle(1));
  EXPECT_EQ(window.begin(), 0U);
  EXPECT_EQ(window.at(0).payload(), "0");
  EXPECT_TRUE(window.settle(0));
  EXPECT_EQ(window.begin(), 2U) << "both have gone";
}

TEST(JetStreamWindow, SettlesEachMessageOnce) {
  JetStreamWindow window(2, 1'000);
  EXPECT_FALSE(window.settle(0)) << "it is not there yet";
  ASSERT_TRUE(window.push("a", "0", {}));
  ASSERT_TRUE(window.push("a", "1", {}));
  EXPECT_TRUE(window.settle(1));
  EXPECT_FALSE(window.settle(1));
  EXPECT_TRUE(window.settle(0));
  EXPECT_FALSE(window.settle(0)) << "it is gone";
  EXPECT_EQ(window.begin(), 2U);
}

TEST(JetStreamWindow, HandsEverythingInOrderFromOneThreadToAnother) {
  constexpr std::uint64_t kMessages = 20'000;
  JetStreamWindow window(16, 1'000);
  std::thread pusher([&] {
    for (std::uint64_t sequence = 0; sequence < kMessages;)
      if (window.push("trade.A", std::to_string(sequence), numbered(sequence)))
        ++sequence;
      else
        std::this_thread::yield();
  });
  for (std::uint64_t number = 0; number < kMessages; ++number) {
    while (window.end() == number) std::this_thread::yield();
    EXPECT_EQ(window.at(number).header.sequence, number);
    EXPECT_EQ(window.at(number).payload(), std::to_string(number));
    EXPECT_TRUE(window.settle(number));
  }
  pusher.join();
  EXPECT_EQ(window.begin(), window.end());
}

}  // namespace
}  // namespace bpx::bridge
