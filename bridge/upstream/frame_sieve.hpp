#pragma once

#include "bridge/upstream/inflater.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// Takes what a WebSocket server sends and sifts out the plain text messages that are there whole,
/// as nearly all are, and can be handed on where they lie; and all that are compressed, which it
/// inflates. Everything else (the answer to the handshake, control frames, fragments, large
/// messages, and whatever breaks the rules) is for WebSocket's own machinery, up to the end of its
/// frame and no further: that asks for more once it is done with what it has, so that all comes out
/// in order. No I/O; one thread.
class FrameSieve {
 public:
  /// What is wrong with a compressed message: nothing can come out any more.
  enum class Fault {
    none,
    oversized,
    corrupt,      ///< cannot be inflated, or ends in the middle
    not_utf8,     ///< though it calls itself text
    broken_into,  ///< another message begins before it has ended
  };

  /// What a Close frame says.
  struct Close {
    std::uint16_t code = 0;  ///< 0 where it has none
    std::string reason;

    /// Not one of those that stand for a connection that ended without a Close frame (RFC 6455,
    /// 7.4.1), and none below the first there is. Beast knows a few more that nobody may send.
    bool can_be_sent() const;
  };

  /// Plain messages that are longer are not sifted out; compressed ones are a fault.
  explicit FrameSieve(std::size_t max_message_bytes);

  /// From now on there are frames, compressed ones too (RFC 7692) where that was agreed on. Before,
  /// there is the answer to the handshake.
  void handshake_is_over(bool is_compression_agreed);

  /// Where what comes next is to be written. Never empty once take_message() and rest() have
  /// nothing more to give, and ends the life of what they gave.
  std::span<std::uint8_t> space();
  /// So many bytes of it have been written.
  void filled(std::size_t bytes) { end_ += bytes; }

  /// The message that comes next; nullopt where something else does, or not all of it is there.
  /// Followed by EnvelopeReader::kPadding readable bytes. May throw std::bad_alloc.
  std::optional<std::string_view> take_message();

  /// What take_message() gives next, most likely: nothing of it has been looked at. nullopt where
  /// that takes more than a look at the head of its frame.
  std::optional<std::string_view> next_message() const;

  /// Why nothing comes any more, if so.
  Fault fault() const { return fault_; }

  /// The first Close frame that rest() has given, if so: it gives none before it is whole.
  const std::optional<Close>& close() const { return close_; }

  /// What comes next for WebSocket's own machinery; empty where nothing does, or too little to
  /// know.
  std::span<const std::uint8_t> rest();
  /// So many bytes of it have been taken.
  void taken(std::size_t bytes);

 private:
  struct Frame;
  /// A compressed message of which the first frame has begun.
  struct Compressed {
    bool is_text = true;
    bool is_within_frame = true;         ///< or between two
    bool is_last_frame = false;          ///< that it is within
    std::uint64_t frame_bytes_left = 0;  ///< of that one's payload
  };

  std::span<const std::uint8_t> unread() const;
  bool is_sifted_out(const Frame& frame) const;
  bool is_of_compressed(const Frame& frame) const;
  std::optional<std::string_view> take_plain(const Frame& frame);
  void begin_frame_of_compressed(const Frame& frame);
  std::optional<std::string_view> take_compressed();
  void extend_rest();
  bool note_close(const Frame& frame, std::span<const std::uint8_t> bytes);
  void extend_rest_of_handshake();

  std::size_t max_message_bytes_;
  std::vector<std::uint8_t> bytes_;
  std::size_t begin_ = 0, end_ = 0;  ///< of what has not been taken
  std::uint64_t rest_bytes_ = 0;     ///< of what comes next, there or yet to come
  bool is_handshake_ = true;
  bool is_answered_ = false;          ///< the end of the answer's header has been seen
  bool is_within_fragments_ = false;  ///< of a message that is not compressed
  std::optional<Inflater> inflater_;  ///< where compression was agreed on
  std::optional<Compressed> compressed_;
  std::optional<Close> close_;
  Fault fault_ = Fault::none;
};

}  // namespace bpx::bridge
