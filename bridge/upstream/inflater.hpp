#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

struct z_stream_s;

namespace bpx::bridge {

/// Inflates the compressed messages of one connection (permessage-deflate, RFC 7692), of which each
/// may come in any number of parts and refer back to those before it. By zlib, as Beast 1.81 alters
/// messages of which short frames inflate to much. One thread.
class Inflater {
 public:
  enum class Result { ok, oversized, corrupt };  ///< after anything but ok it is of no more use

  /// Throws std::bad_alloc, as the others do.
  explicit Inflater(std::size_t max_message_bytes);

  /// The next part of a message. Never more than the bound is inflated, nor from more than a little
  /// more than twice as much.
  Result add(std::span<const std::uint8_t> part);

  /// The message has been there whole. What is added now begins the next one.
  Result finish();

  /// The message that is finished, followed by EnvelopeReader::kPadding readable bytes; valid until
  /// more is added.
  std::string_view message() const;

 private:
  enum class Until { needs_more, block_ends };

  Result inflate(std::span<const std::uint8_t> part, Until until);
  bool make_room();

  std::unique_ptr<z_stream_s, void (*)(z_stream_s*)> stream_;
  std::size_t max_message_bytes_;
  std::vector<std::uint8_t> bytes_;  ///< reused; of these padding
  std::size_t size_ = 0;             ///< of what is inflated
  std::size_t compressed_size_ = 0;  ///< of what that was inflated from
  bool is_finished_ = true;
};

}  // namespace bpx::bridge
