#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace bpx::bridge {

/// How many bytes at the front of `text` are a character that would break a line, steer a terminal,
/// turn the order of what is read or hide in it: a control character (ASCII, and C1 in UTF-8), one
/// for direction or without width, a tag. 0 where it is another.
inline std::size_t steering_bytes(std::string_view text) {
  // First and last of a range; in UTF-8 the order of bytes is that of characters.
  using Range = std::pair<std::string_view, std::string_view>;
  constexpr std::array kRanges = {
      Range{"\xc2\x80", "\xc2\x9f"},                  // C1
      Range{"\xd8\x9c", "\xd8\x9c"},                  // U+061C
      Range{"\xe2\x80\x8b", "\xe2\x80\x8f"},          // U+200B to U+200F
      Range{"\xe2\x80\xa8", "\xe2\x80\xae"},          // U+2028 to U+202E
      Range{"\xe2\x81\xa0", "\xe2\x81\xaf"},          // U+2060 to U+206F
      Range{"\xef\xbb\xbf", "\xef\xbb\xbf"},          // U+FEFF
      Range{"\xf3\xa0\x80\x80", "\xf3\xa0\xbf\xbf"},  // U+E0000 to U+E0FFF
  };
  if (text.empty()) return 0;
  const auto byte = static_cast<unsigned char>(text.front());
  if (byte < 0x80) return byte < 0x20 || byte == 0x7f ? 1 : 0;
  for (const auto& [first, last] : kRanges) {
    const auto front = text.substr(0, first.size());
    if (front.size() == first.size() && front >= first && front <= last) return first.size();
  }
  return 0;
}

/// `text` with each of those turned into spaces, so that what came from outside stays in its line
/// and reads as it is.
inline std::string one_line(std::string_view text) {
  std::string line(text);
  for (std::size_t i = 0; i < line.size();) {
    const auto bytes = steering_bytes(std::string_view(line).substr(i));
    std::fill_n(line.begin() + static_cast<std::ptrdiff_t>(i), bytes, ' ');
    i += std::max<std::size_t>(bytes, 1);
  }
  return line;
}

}  // namespace bpx::bridge
