#include "proto/decimal.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::proto {
namespace {

TEST(Decimal, IsDigitsAndPerhapsAPointAndFurtherDigits) {
  for (const auto* text : {"0", "98.97", "0.00", "007", "113782701997686784.000000000000000000001"})
    EXPECT_TRUE(is_decimal(text)) << text;
  for (const auto* text :
       {"", ".", "1.", ".5", "-1", "+1", "1e5", "1.2.3", " 1", "1 ", "0x1", "NaN", "1,5", "1..2"})
    EXPECT_FALSE(is_decimal(text)) << text;
}

TEST(Decimal, IsZeroInEverySpelling) {
  for (const auto* text : {"0", "0.0", "0.00", "000", "00.000"}) EXPECT_TRUE(is_zero(text)) << text;
  for (const auto* text : {"0.01", "10", "0.0000000000000000000000001"})
    EXPECT_FALSE(is_zero(text)) << text;
}

TEST(Decimal, ComparesByValueWhateverTheSpelling) {
  const auto equal = [](std::string_view a, std::string_view b) {
    return compare_decimals(a, b) == std::strong_ordering::equal;
  };
  EXPECT_TRUE(equal("98.9", "98.90"));
  EXPECT_TRUE(equal("98", "98.000"));
  EXPECT_TRUE(equal("0098.9", "98.9"));
  EXPECT_TRUE(equal("0", "0.00"));
}

TEST(Decimal, OrdersNumbersOfAnyNumberOfDigitsExactly) {
  const std::string ascending[] = {"0",
                                   "0.000000000000000000000000000001",
                                   "0.09",
                                   "0.1",
                                   "0.11",
                                   "0.2",
                                   "1",
                                   "9.99",
                                   "10",
                                   "98.97",
                                   "98.9700000000000000000000001",
                                   "98.98",
                                   "100",
                                   "18446744073709551615",
                                   "18446744073709551616"};
  for (const auto& a : ascending)
    for (const auto& b : ascending)
      EXPECT_EQ(compare_decimals(a, b), &a <=> &b) << a << " and " << b;
}

}  // namespace
}  // namespace bpx::proto
