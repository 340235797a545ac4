#pragma once

#include "bridge/observe/log.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace bpx::bridge {

std::string_view level_name(LogLevel level);

/// `2026-11-23T20:31:32.123456Z INFO  connected connection=3 url="wss://…"`. Control characters are
/// escaped, so that no value can forge a line or steer a terminal; texts beyond 2,000 bytes are
/// cut, and what is missing is counted.
std::string text_line(std::chrono::system_clock::time_point time, LogLevel level,
                      std::string_view event, Log::Fields fields);

/// `{"time":"…","level":"info","event":"connected","connection":3,"url":"wss://…"}`
std::string json_line(std::chrono::system_clock::time_point time, LogLevel level,
                      std::string_view event, Log::Fields fields);

/// UTC with microseconds, RFC 3339.
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace bpx::bridge
