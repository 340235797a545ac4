#include "tests/exchange/decimal.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace bpx::exchange {
namespace {

std::string text(Decimal number) {
  std::string out;
  append(out, number);
  return out;
}

TEST(Decimal, KeepsItsDecimals) {
  EXPECT_EQ(text({9'897, 2}), "98.97");
  EXPECT_EQ(text({3'970, 2}), "39.70");
  EXPECT_EQ(text({20, 0}), "20");
  EXPECT_EQ(text({0, 2}), "0.00");
}

TEST(Decimal, FillsUpSmallNumbersWithZeros) {
  EXPECT_EQ(text({5, 2}), "0.05");
  EXPECT_EQ(text({125, 7}), "0.0000125");
}

TEST(Decimal, WritesNegativeNumbers) {
  EXPECT_EQ(text({-5, 2}), "-0.05");
  EXPECT_EQ(text({std::numeric_limits<std::int64_t>::min(), 0}), "-9223372036854775808");
}

TEST(Decimal, LosesZerosAtItsEndWhenTrimmed) {
  EXPECT_EQ(text(trimmed({3'970, 2})), "39.7");
  EXPECT_EQ(text(trimmed({4'000, 2})), "40");
  EXPECT_EQ(text(trimmed({0, 8})), "0");
  EXPECT_EQ(text(trimmed({100, 0})), "100");
}

}  // namespace
}  // namespace bpx::exchange
