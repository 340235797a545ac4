#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace bpx::bridge {

/// What an HTTP answer's Retry-After asks for: seconds, or a date (RFC 9110, 10.2.3), which is
/// compared with the answer's own Date, or with `now` where `date` is none: our clock may be wrong.
/// Five minutes at most, however long a server asks to wait; nullopt for anything else.
std::optional<std::chrono::seconds> parse_retry_after(const std::string& value,
                                                      const std::string& date,
                                                      std::chrono::system_clock::time_point now);

}  // namespace bpx::bridge
