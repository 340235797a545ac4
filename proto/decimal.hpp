#pragma once

#include <compare>
#include <string_view>

/// Prices and quantities as the exchange writes them, compared by value without ever passing
/// through floating point: "98.9" equals "98.90", however many digits there are.
namespace bpx::proto {

/// Whether `text` is digits, and perhaps a point and further digits. Neither sign nor exponent.
bool is_decimal(std::string_view text);

/// These are for decimals alone.
bool is_zero(std::string_view decimal);
std::strong_ordering compare_decimals(std::string_view a, std::string_view b);

}  // namespace bpx::proto
