#include "bridge/publish/lag.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(Lag, IsNoneOfWhoTakesWhatThereIs) {
  Lag lag;
  EXPECT_FALSE(lag.is_behind());
  for (std::uint64_t published = 0; published < 10'000; published += 1'000)
    lag.see(/*is_full=*/false, published, /*taken=*/0);
  EXPECT_FALSE(lag.is_behind());
  EXPECT_EQ(lag.bytes(), 0U);
}

TEST(Lag, IsWhatWasPublishedAndNotTakenSinceNothingMoreWent) {
  Lag lag;
  lag.see(true, 1'000, 800);
  EXPECT_TRUE(lag.is_behind());
  EXPECT_EQ(lag.bytes(), 0U) << "it may only catch its breath";
  lag.see(true, 5'000, 800);
  EXPECT_EQ(lag.bytes(), 4'000U);
  lag.see(true, 6'000, 2'800);
  EXPECT_EQ(lag.bytes(), 3'000U) << "it takes, but more comes";
  lag.see(true, 6'000, 9'000);
  EXPECT_EQ(lag.bytes(), 0U) << "what is taken has frames, too";
}

TEST(Lag, BeginsAnewOnceThereIsRoomAtTwoLooks) {
  Lag lag;
  lag.see(true, 1'000, 0);
  lag.see(true, 9'000, 0);
  for (int i = 0; i < 2; ++i) lag.see(false, 9'000, 9'000);
  EXPECT_EQ(lag.bytes(), 0U);
  lag.see(true, 10'000, 9'000);
  lag.see(true, 10'500, 9'000);
  EXPECT_EQ(lag.bytes(), 500U);
}

/// libzmq fills the room at once; a look may fall in between.
TEST(Lag, GrowsOfWhoTakesWithoutAPauseAndYetTooSlowly) {
  Lag lag;
  for (std::uint64_t look = 1; look <= 300; ++look)
    lag.see(/*is_full=*/look % 100 != 50, look * 12'000, look * 10'000);
  EXPECT_TRUE(lag.is_behind());
  EXPECT_EQ(lag.bytes(), 299U * 2'000U);
}

/// Of a part, perhaps: what it takes says little.
TEST(Lag, IsSmallOfWhoHasRoomAtOneLookOfTen) {
  Lag lag;
  for (std::uint64_t look = 1; look <= 300; ++look) {
    lag.see(/*is_full=*/look % 10 != 0, look * 12'000, look * 1'000);
    EXPECT_LT(lag.bytes(), 20U * 11'000U);
  }
}

}  // namespace
}  // namespace bpx::bridge
