#pragma once

#include <cstdint>
#include <string_view>

namespace bpx::bridge {

/// Who may see a message: each has sockets of its own, and nothing crosses.
enum class Audience : std::uint8_t { everyone, account };

/// `account.*` is for the account's owner, everything else for everyone.
Audience audience_of(std::string_view stream);

}  // namespace bpx::bridge
