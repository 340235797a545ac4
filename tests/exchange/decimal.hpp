#pragma once

#include <cstdint>
#include <string>

namespace bpx::exchange {

/// An exact decimal: {9897, 2} is 98.97. Prices and quantities never pass through floating point.
struct Decimal {
  std::int64_t units = 0;
  int decimals = 0;
};

/// 10 to the power `exponent`, which is from 0 to 18.
std::int64_t power_of_ten(int exponent);

/// The same number without zeros at the end of its fraction; zero becomes "0".
Decimal trimmed(Decimal number);

/// Appends the number with exactly its decimals: {5, 2} appends "0.05".
void append(std::string& out, Decimal number);

}  // namespace bpx::exchange
