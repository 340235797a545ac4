#include "bridge/upstream/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <system_error>

namespace bpx::bridge {

using std::chrono::seconds;

std::optional<seconds> parse_retry_after(const std::string& value,
                                         std::chrono::system_clock::time_point now) {
  constexpr seconds kMaxWait{300};
  std::uint32_t count = 0;
  const auto* const end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, count);
  if (rest == end) {
    if (error == std::errc::result_out_of_range) return kMaxWait;
    if (error == std::errc{}) return std::min(seconds(count), kMaxWait);
  }
  for (const auto* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::tm date{};
    const auto* const stop = ::strptime(value.c_str(), form, &date);
    if (stop == nullptr || *stop != '\0') continue;
    // In seconds throughout: as nanoseconds a far date would not fit.
    const std::chrono::sys_seconds then{seconds(::timegm(&date))};
    return std::clamp(then - std::chrono::floor<seconds>(now), seconds(0), kMaxWait);
  }
  return std::nullopt;
}

}  // namespace bpx::bridge
