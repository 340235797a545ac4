#include "proto/message_header.hpp"

#include <bit>
#include <concepts>
#include <cstring>

namespace bpx::proto {
namespace {

// GCC does not see that the loops come to a single move where the machine is little-endian too.
constexpr bool kIsMove = std::endian::native == std::endian::little;

template <std::unsigned_integral T>
void put(std::uint8_t* at, T value) {
  if constexpr (kIsMove)
    std::memcpy(at, &value, sizeof value);
  else
    for (std::size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <std::unsigned_integral T>
T get(const std::uint8_t* at) {
  T value = 0;
  if constexpr (kIsMove)
    std::memcpy(&value, at, sizeof value);
  else
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value | static_cast<T>(static_cast<T>(at[i]) << (8 * i)));
  return value;
}

}  // namespace

MessageHeader::Bytes MessageHeader::encode() const {
  Bytes bytes;
  bytes[0] = kVersion;
  bytes[1] = static_cast<std::uint8_t>(kBytes);
  put(&bytes[2], flags);
  put(&bytes[4], connection);
  put(&bytes[8], epoch_us);
  put(&bytes[16], sequence);
  put(&bytes[24], static_cast<std::uint64_t>(received_ns));
  put(&bytes[32], static_cast<std::uint64_t>(event_ns));
  put(&bytes[40], static_cast<std::uint64_t>(sent_ns));
  return bytes;
}

std::optional<MessageHeader> MessageHeader::decode(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kBytes || bytes[0] != kVersion || bytes[1] < kBytes) return std::nullopt;
  MessageHeader header;
  header.flags = get<std::uint16_t>(&bytes[2]);
  header.connection = get<std::uint32_t>(&bytes[4]);
  header.epoch_us = get<std::uint64_t>(&bytes[8]);
  header.sequence = get<std::uint64_t>(&bytes[16]);
  header.received_ns = static_cast<std::int64_t>(get<std::uint64_t>(&bytes[24]));
  header.event_ns = static_cast<std::int64_t>(get<std::uint64_t>(&bytes[32]));
  header.sent_ns = static_cast<std::int64_t>(get<std::uint64_t>(&bytes[40]));
  return header;
}

}  // namespace bpx::proto
