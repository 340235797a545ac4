#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Of one text in a line for a person, in bytes: what comes from outside may be as long as it
/// likes.
inline constexpr std::size_t kLongestText = 2'000;

/// Cut between two characters, with how much is missing; as it is where it is not too long.
inline std::string bounded(std::string_view text) {
  if (text.size() <= kLongestText) return std::string(text);
  auto end = kLongestText;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "... (" + std::to_string(text.size() - end) +
         " more bytes)";
}

}  // namespace bpx::bridge
