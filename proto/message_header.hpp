#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace bpx::proto {

/// The third frame of every message that the bridge publishes: 48 bytes, little-endian. This file
/// and its .cpp stand alone, so that a C++ consumer can copy the two.
struct MessageHeader {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr std::size_t kBytes = 48;

  /// Bits of `flags`.
  enum Flag : std::uint16_t {
    replay = 1,               ///< sent again on request, not live
    gap_before = 2,           ///< the exchange skipped something before this message
    first_on_connection = 4,  ///< first of its stream on a new upstream connection
    end_of_replay = 8,        ///< nothing further follows under this replay topic
  };

  std::uint16_t flags = 0;
  std::uint32_t connection = 0;  ///< upstream connection, from 1 since the bridge started
  std::uint64_t epoch_us = 0;    ///< start of the bridge, Unix µs; another value means a restart
  std::uint64_t sequence = 0;    ///< of this topic, from 1, without holes
  std::int64_t received_ns = 0;  ///< Unix ns at which the frame had been read from the exchange
  std::int64_t event_ns = 0;     ///< event time `E`, Unix ns; 0 where the message has none
  std::int64_t sent_ns = 0;      ///< Unix ns just before the message was handed to ZeroMQ

  using Bytes = std::array<std::uint8_t, kBytes>;

  Bytes encode() const;

  /// Reads a header, or returns nullopt where `bytes` is no header of version 1 or is cut short. A
  /// longer frame is accepted: a later revision may append fields.
  static std::optional<MessageHeader> decode(std::span<const std::uint8_t> bytes);

  friend bool operator==(const MessageHeader&, const MessageHeader&) = default;
};

}  // namespace bpx::proto
