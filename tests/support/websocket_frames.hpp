#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::test {

/// A WebSocket frame as a server sends it (RFC 6455, section 5.2), or as it must not.
struct WebSocketFrame {
  enum Opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10
  };

  std::uint8_t opcode = text;
  std::string payload = {};
  bool is_last = true;
  std::uint8_t reserved = 0;  ///< bits RSV1 (4), RSV2 (2), RSV3 (1)
  bool is_masked = false;

  std::string bytes() const {
    const auto first = static_cast<std::uint8_t>((is_last ? 0x80U : 0U) | reserved << 4U | opcode);
    return static_cast<char>(first) + length(payload.size()) +
           (is_masked ? std::string(4, '\0') : std::string()) + payload;
  }

  /// What says that `size` bytes follow.
  std::string length(std::uint64_t size) const {
    const std::size_t extension = size < 126 ? 0 : size < 65'536 ? 2 : 8;
    const auto code = extension == 0 ? size : extension == 2 ? 126U : 127U;
    std::string coded(1, static_cast<char>((is_masked ? 0x80U : 0U) | code));
    for (auto i = extension; i > 0; --i) coded += static_cast<char>(size >> (8 * (i - 1)));
    return coded;
  }
};

/// The payload of a Close frame.
inline std::string close_payload(std::uint16_t code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
  return payload.append(reason);
}

/// Writes DEFLATE (RFC 1951) bit by bit.
class DeflateBits {
 public:
  /// Huffman codes come with the first bit in front, all else with the last.
  void put_code(unsigned code, int bits) {
    for (int i = bits - 1; i >= 0; --i) put(code >> static_cast<unsigned>(i) & 1U);
  }
  void put(unsigned bit) {
    if (used_ == 0) bytes_ += '\0';
    bytes_.back() = static_cast<char>(static_cast<unsigned char>(bytes_.back()) | bit << used_);
    used_ = (used_ + 1) % 8;
  }
  std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
  unsigned used_ = 0;
};

/// What inflates to at least `size` times the letter x, 158 times as many bytes as it has itself:
/// as the payload of a frame with RSV1.
inline std::string deflated_x(std::size_t size) {
  constexpr std::size_t kLongestCopy = 258;
  DeflateBits bits;
  for (const auto bit : {0U, 1U, 0U}) bits.put(bit);  // not the last block, fixed codes
  bits.put_code(0x30 + 'x', 8);
  for (std::size_t written = 1; written < size; written += kLongestCopy) {
    bits.put_code(0b1100'0101, 8);  // copy 258 bytes
    bits.put_code(0, 5);            // from one byte back
  }
  bits.put_code(0, 7);                                // end of block
  for (const auto bit : {0U, 0U, 0U}) bits.put(bit);  // the empty block that ends a message
  return std::move(bits).take();
}

}  // namespace bpx::test
