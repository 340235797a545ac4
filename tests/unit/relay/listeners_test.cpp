#include "bridge/relay/listeners.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

constexpr Caller kOne{.descriptor = 10, .number = 1};
constexpr Caller kOther{.descriptor = 11, .number = 2};
constexpr Caller kUnknown{};  ///< who speaks an old ZMTP; and how libzmq tells that one has left

class ListenersTest : public testing::Test {
 protected:
  std::optional<std::size_t> begin(const Caller& caller, std::string_view topic = "trade.A") {
    return listeners_.take({.begins = true, .topic = topic, .peer = {}, .caller = caller});
  }
  std::optional<std::size_t> end(const Caller& caller, std::string_view topic = "trade.A") {
    return listeners_.take({.begins = false, .topic = topic, .peer = {}, .caller = caller});
  }
  std::optional<std::size_t> leave(const Caller& caller) {
    return listeners_.take(
        {.begins = false, .topic = "trade.A", .peer = {}, .caller = caller, .has_left = true});
  }

  Listeners listeners_;
};

TEST_F(ListenersTest, AreCountedForEachTopic) {
  EXPECT_EQ(begin(kOne), 1U);
  EXPECT_EQ(begin(kOther), 2U);
  EXPECT_EQ(begin(kOther, "trade.B"), 1U);
  EXPECT_EQ(end(kOne), 1U);
  EXPECT_EQ(end(kOther), 0U);
  EXPECT_EQ(end(kOther, "trade.B"), 0U);
  EXPECT_EQ(end(kOther, "trade.B"), std::nullopt);
}

TEST_F(ListenersTest, StayWhateverThoseSayWhoCannotBeToldApart) {
  EXPECT_EQ(begin(kOne), 1U);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(end(kUnknown), std::nullopt);
  EXPECT_EQ(begin(kOther), 2U);
}

TEST_F(ListenersTest, CountOnceHoweverOftenTheySubscribe) {
  EXPECT_EQ(begin(kOne), 1U);
  EXPECT_EQ(listeners_.take({.topic = "trade.A", .peer = {}, .caller = kOne, .is_repeated = true}),
            std::nullopt);
  EXPECT_EQ(end(kOne), 0U);
}

TEST_F(ListenersTest, LeaveInWhicheverOrderThatIsTold) {
  EXPECT_EQ(begin(kOne), 1U);
  EXPECT_EQ(begin(kOther), 2U);
  EXPECT_EQ(end(kUnknown), std::nullopt) << "somebody has left, or not";
  EXPECT_EQ(leave(kOne), 1U);
  EXPECT_EQ(leave(kOther), std::nullopt) << "an old one may have come";
  EXPECT_EQ(end(kUnknown), 0U);
}

TEST_F(ListenersTest, WhoCannotBeToldApartCountTogether) {
  EXPECT_EQ(begin(kUnknown), 1U);
  EXPECT_EQ(begin(kUnknown), 2U);
  EXPECT_EQ(end(kUnknown), 1U);
  EXPECT_EQ(end(kUnknown), 0U);
  EXPECT_EQ(end(kUnknown), std::nullopt);
  EXPECT_EQ(begin(kUnknown), 1U);
}

TEST_F(ListenersTest, OfBothKindsDoNotEndEachOther) {
  EXPECT_EQ(begin(kOne), 1U);
  EXPECT_EQ(begin(kUnknown), 2U);
  EXPECT_EQ(end(kUnknown), 1U) << "which of the two has left is not known yet";
  EXPECT_EQ(leave(kOne), std::nullopt) << "it was this one";
  EXPECT_EQ(end(kUnknown), 0U);
}

}  // namespace
}  // namespace bpx::bridge
