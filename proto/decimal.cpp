#include "proto/decimal.hpp"

#include <algorithm>

namespace bpx::proto {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view whole_of(std::string_view decimal) {
  const auto whole = decimal.substr(0, decimal.find('.'));
  return whole.substr(std::min(whole.find_first_not_of('0'), whole.size()));
}

std::string_view fraction_of(std::string_view decimal) {
  const auto point = decimal.find('.');
  if (point == std::string_view::npos) return {};
  const auto fraction = decimal.substr(point + 1);
  return fraction.substr(0, fraction.find_last_not_of('0') + 1);
}

}  // namespace

bool is_decimal(std::string_view text) {
  const auto point = std::ranges::find_if_not(text, is_digit);
  if (point == text.begin()) return false;
  if (point == text.end()) return true;
  return *point == '.' && point + 1 != text.end() && std::all_of(point + 1, text.end(), is_digit);
}

bool is_zero(std::string_view decimal) {
  return decimal.find_first_not_of("0.") == std::string_view::npos;
}

std::strong_ordering compare_decimals(std::string_view a, std::string_view b) {
  const auto whole_a = whole_of(a);
  const auto whole_b = whole_of(b);
  if (const auto order = whole_a.size() <=> whole_b.size(); std::is_neq(order)) return order;
  if (const auto order = whole_a <=> whole_b; std::is_neq(order)) return order;
  return fraction_of(a) <=> fraction_of(b);
}

}  // namespace bpx::proto
