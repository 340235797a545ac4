#include "bridge/upstream/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <system_error>

namespace bpx::bridge {

namespace {

using std::chrono::seconds;

/// In one of three forms (RFC 9110, 5.6.7). In seconds: as nanoseconds a far date would not fit.
std::optional<std::chrono::sys_seconds> parse_date(const std::string& text) {
  for (const auto* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::tm date{};
    const auto* const stop = ::strptime(text.c_str(), form, &date);
    if (stop != nullptr && *stop == '\0') return std::chrono::sys_seconds{seconds(::timegm(&date))};
  }
  return std::nullopt;
}

}  // namespace

std::optional<seconds> parse_retry_after(const std::string& value, const std::string& date,
                                         std::chrono::system_clock::time_point now) {
  constexpr seconds kMaxWait{300};
  std::uint32_t count = 0;
  const auto* const end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, count);
  if (rest == end) {
    if (error == std::errc::result_out_of_range) return kMaxWait;
    if (error == std::errc{}) return std::min(seconds(count), kMaxWait);
  }
  const auto then = parse_date(value);
  if (!then) return std::nullopt;
  const auto since = parse_date(date).value_or(std::chrono::floor<seconds>(now));
  return std::clamp(*then - since, seconds(0), kMaxWait);
}

}  // namespace bpx::bridge
