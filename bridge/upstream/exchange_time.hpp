#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bpx::bridge {

/// What `/api/v1/time` says: Unix milliseconds as plain text. The middle of that millisecond in
/// nanoseconds; nullopt for anything else.
std::optional<std::int64_t> parse_exchange_time(std::string_view body);

}  // namespace bpx::bridge
