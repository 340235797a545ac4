#include "bridge/observe/histogram.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>

namespace bpx::bridge {
namespace {

constexpr std::array<std::int64_t, 3> kBounds = {10, 20, 30};

TEST(Histogram, CountsABoundItselfIntoItsBucket) {
  Histogram histogram(kBounds);
  for (const std::int64_t ns : {10, 11, 20, 30}) histogram.observe(ns);
  EXPECT_EQ(histogram.count(0), 1U);
  EXPECT_EQ(histogram.count(1), 2U);
  EXPECT_EQ(histogram.count(2), 1U);
  EXPECT_EQ(histogram.count(3), 0U);
}

TEST(Histogram, TakesWhatIsBeyondItsBoundsOnBothSides) {
  Histogram histogram(kBounds);
  histogram.observe(31);
  histogram.observe(-5);  // an exchange's clock that is ahead of ours
  EXPECT_EQ(histogram.count(0), 1U);
  EXPECT_EQ(histogram.count(3), 1U);
  EXPECT_EQ(histogram.count(), 2U);
  EXPECT_EQ(histogram.sum_ns(), 26);
}

TEST(Histogram, AddsUpAgesBeyondAllMeasure) {
  Histogram histogram(kBounds);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  histogram.observe(kMost);
  histogram.observe(kMost);
  EXPECT_DOUBLE_EQ(histogram.sum_ns(), 2 * static_cast<double>(kMost));
}

}  // namespace
}  // namespace bpx::bridge
