#pragma once

#include "tests/support/websocket_frames.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace bpx::test {

/// The frames of one message, cut at random into `count` of them; `between` goes between each two.
/// What `whole` says of the message, its first frame says.
inline std::string fragments(
    const WebSocketFrame& whole, std::size_t count, std::mt19937& random,
    const std::function<std::string()>& between = [] { return std::string(); }) {
  std::vector<std::size_t> cuts{0, whole.payload.size()};
  while (cuts.size() <= count) cuts.push_back(random() % (whole.payload.size() + 1));
  std::ranges::sort(cuts);
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    auto frame = i == 0 ? whole : WebSocketFrame{.opcode = WebSocketFrame::continuation};
    frame.payload = whole.payload.substr(cuts[i], cuts[i + 1] - cuts[i]);
    frame.is_last = i + 1 == count;
    bytes += frame.bytes();
    if (!frame.is_last) bytes += between();
  }
  return bytes;
}

/// Text of `size` bytes: one letter, runs of a few, or no two alike in a row.
inline std::string random_letters(std::size_t size, std::mt19937& random) {
  const auto longest_run = std::vector<std::size_t>{1, 40, 3'000, size}[random() % 4];
  std::string letters;
  while (letters.size() < size) {
    const auto run = longest_run == size ? size : 1 + random() % longest_run;
    letters.append(std::min(run, size - letters.size()), static_cast<char>('A' + random() % 26));
  }
  return letters;
}

}  // namespace bpx::test
