#pragma once

#include <string>
#include <string_view>

namespace bpx::bridge {

/// `text` with every control character (ASCII, and C1 in UTF-8) turned into a space, so that what
/// came from outside neither breaks a line nor steers a terminal.
inline std::string one_line(std::string_view text) {
  std::string line(text);
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const bool begins_c1 = byte == 0xc2 && i + 1 < line.size() &&
                           static_cast<unsigned char>(line[i + 1]) >= 0x80 &&
                           static_cast<unsigned char>(line[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f) line[i] = ' ';
    if (begins_c1) line.replace(i, 2, "  ");
  }
  return line;
}

}  // namespace bpx::bridge
