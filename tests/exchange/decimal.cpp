#include "tests/exchange/decimal.hpp"

#include <array>
#include <charconv>
#include <cstddef>

namespace bpx::exchange {

std::int64_t power_of_ten(int exponent) {
  std::int64_t power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

Decimal trimmed(Decimal number) {
  while (number.decimals > 0 && number.units % 10 == 0) {
    number.units /= 10;
    --number.decimals;
  }
  return number;
}

void append(std::string& out, Decimal number) {
  std::uint64_t magnitude = static_cast<std::uint64_t>(number.units);
  if (number.units < 0) {
    out += '-';
    magnitude = 0 - magnitude;
  }
  std::array<char, 20> digits{};
  const auto converted = std::to_chars(digits.data(), digits.data() + digits.size(), magnitude);
  const auto length = static_cast<std::size_t>(converted.ptr - digits.data());
  const auto decimals = static_cast<std::size_t>(number.decimals);
  if (decimals == 0) {
    out.append(digits.data(), length);
  } else if (length > decimals) {
    out.append(digits.data(), length - decimals);
    out += '.';
    out.append(digits.data() + (length - decimals), decimals);
  } else {
    out += "0.";
    out.append(decimals - length, '0');
    out.append(digits.data(), length);
  }
}

}  // namespace bpx::exchange
