#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace bpx::bridge {

/// What an HTTP answer's Retry-After asks for: seconds, or one of the three forms of a date (RFC
/// 9110, 10.2.3 and 5.6.7), which is compared with `now`. Five minutes at most, however long a
/// server asks to wait; nullopt for anything else.
std::optional<std::chrono::seconds> parse_retry_after(const std::string& value,
                                                      std::chrono::system_clock::time_point now);

}  // namespace bpx::bridge
