#pragma once

#include "tests/bench/load/stamp.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bench {

/// A message encoded once, WebSocket header included; what differs from one time to the next is
/// digits, which are written over those of the time before.
class Frame {
 public:
  /// `text` has `E` and `T` of Stamp::kDigits; ids (`U`, `u` and `t` that are numbers) go on from
  /// those that stand in it.
  explicit Frame(std::string_view text);

  /// `ordinal` is how many messages the stream has said before.
  void stamp(const Stamp& stamp, std::uint64_t ordinal);

  std::string_view text() const { return std::string_view(wire_).substr(header_bytes_); }
  std::string_view wire() const { return wire_; }

 private:
  struct Id {
    std::size_t at;
    std::size_t width;
    std::uint64_t first;
  };

  std::size_t place_of(std::string_view key) const;

  std::string wire_;
  std::size_t header_bytes_;
  std::size_t event_at_;
  std::size_t engine_at_;
  std::vector<Id> ids_;
};

/// A message of `stream` in the shape in which it was captured; `levels` more of a depth message's.
/// Knows bookTicker, depth, trade and markPrice; throws std::invalid_argument on any other.
std::string message_of(std::string_view stream, std::size_t levels = 1);

}  // namespace bpx::bench
