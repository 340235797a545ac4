#include "tests/exchange/pacer.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bpx::exchange {
namespace {

constexpr std::int64_t kStart = 1'000'000'000;

Pacer pacer_at(double rate) {
  Pacer pacer;
  pacer.start(rate, kStart);
  return pacer;
}

TEST(Pacer, NeverHasAnythingDueAtRateZero) {
  EXPECT_EQ(pacer_at(0).due_us(kStart + 1), Pacer::kNever);
}

TEST(Pacer, HasEventsDueAtEvenIntervalsHoweverLateTheyHappen) {
  auto pacer = pacer_at(4);
  EXPECT_EQ(pacer.due_us(kStart), kStart + 250'000);
  pacer.advance();
  EXPECT_EQ(pacer.due_us(kStart + 999'999), kStart + 500'000);
}

TEST(Pacer, DoesNotDriftAtRatesThatDivideNoMicrosecond) {
  auto pacer = pacer_at(3);
  for (int event = 0; event < 2999; ++event) pacer.advance();
  EXPECT_EQ(pacer.due_us(kStart), kStart + 1'000'000'000);
}

TEST(Pacer, HasEventsDueAtAnyTimeWhereUnlimited) {
  const auto pacer = pacer_at(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(pacer.unlimited());
  EXPECT_EQ(pacer.due_us(kStart + 5), kStart + 5);
}

TEST(Pacer, ForgivesWhatIsOverdueByMoreThanASecond) {
  auto pacer = pacer_at(10);
  pacer.forgive(kStart + 1'000'000);
  EXPECT_EQ(pacer.due_us(kStart), kStart + 100'000);
  pacer.forgive(kStart + 1'200'000);
  EXPECT_EQ(pacer.due_us(kStart), kStart + 1'300'000);
}

TEST(Pacer, SurvivesRatesBeyondAllTime) {
  EXPECT_EQ(pacer_at(1e-300).due_us(kStart), Pacer::kNever);
}

}  // namespace
}  // namespace bpx::exchange
