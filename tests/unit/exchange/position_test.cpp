#include "tests/exchange/position.hpp"

#include <gtest/gtest.h>

namespace bpx::exchange {
namespace {

TEST(Position, AddsUpWhatItCost) {
  Position position;
  EXPECT_EQ(position.fill(Side::bid, 100, 3), 0);
  EXPECT_EQ(position.fill(Side::bid, 110, 1), 0);
  EXPECT_EQ(position.quantity(), 4);
  EXPECT_EQ(position.cost(), 410);
}

TEST(Position, RealizesTheProfitOfThePartThatCloses) {
  Position position;
  position.fill(Side::bid, 100, 4);
  EXPECT_EQ(position.fill(Side::ask, 110, 1), 10);
  EXPECT_EQ(position.quantity(), 3);
  EXPECT_EQ(position.cost(), 300);
  EXPECT_EQ(position.realized(), 10);
}

TEST(Position, RealizesTheProfitOfAShort) {
  Position position;
  position.fill(Side::ask, 100, 2);
  EXPECT_EQ(position.cost(), -200);
  EXPECT_EQ(position.fill(Side::bid, 90, 2), 20);
  EXPECT_FALSE(position.is_open());
  EXPECT_EQ(position.cost(), 0);
}

TEST(Position, TurnsRoundWhenMoreIsSoldThanHeld) {
  Position position;
  position.fill(Side::bid, 100, 2);
  EXPECT_EQ(position.fill(Side::ask, 90, 5), -20);
  EXPECT_EQ(position.quantity(), -3);
  EXPECT_EQ(position.cost(), -270);
}

}  // namespace
}  // namespace bpx::exchange
