#pragma once

#include "proto/message_header.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// The messages that JetStream has not acknowledged yet, in the order published: bounded in number
/// and in bytes. One thread pushes and never waits; another one reads, and takes out what has been
/// acknowledged. Messages are counted from 0, and a message's number stays its own.
class JetStreamWindow {
 public:
  struct Message {
    proto::MessageHeader header;
    std::string text;  ///< the stream's name, and right behind it the payload
    std::size_t stream_bytes = 0;
    std::int64_t sent_steady_ns = 0;  ///< by the reader; 0 before the first time

    std::string_view stream() const { return std::string_view(text).substr(0, stream_bytes); }
    std::string_view payload() const { return std::string_view(text).substr(stream_bytes); }
  };

  JetStreamWindow(std::size_t max_messages, std::size_t max_bytes);

  /// Copies the message to the end. False where that would exceed a bound: then nothing has
  /// changed. By the pushing thread.
  bool push(std::string_view stream, std::string_view payload, const proto::MessageHeader& header);

  /// The numbers of the oldest message and of the one to be pushed next. Any thread. That end() has
  /// grown, by push(), stands in one order with all that is sequentially consistent.
  std::uint64_t begin() const { return begin_.load(std::memory_order_acquire); }
  std::uint64_t end() const { return end_.load(); }

  /// By the reading thread, for a number from begin() to before end(). Valid until the message is
  /// taken out.
  Message& at(std::uint64_t number) { return slots_[number & mask_].message; }

  /// Whether settle() has noted that of a message which stands behind others. By the reading
  /// thread, for a number from begin() to before end().
  bool is_settled(std::uint64_t number) const { return slots_[number & mask_].is_settled; }

  /// Notes that message `number` needs to be kept no longer, and takes out what stands at the front
  /// for nothing. Returns whether it was news: false for one that is noted already. By the reading
  /// thread.
  bool settle(std::uint64_t number);

 private:
  static constexpr std::size_t kCacheLine = 64;

  struct Slot {
    Message message;
    bool is_settled = false;
  };

  /// Texts whose memory the reading thread hands back to the pushing one: what one thread frees of
  /// another's costs both more than all else here. Few, and small: a window is mostly empty.
  class Spares {
   public:
    void put(std::string&& text);
    void take(std::string& text);
    void expect() const;  ///< that take() comes next

   private:
    static constexpr std::size_t kMost = 4'096;
    static constexpr std::size_t kMostBytes = 4'096;  ///< of each

    std::array<std::string, kMost> texts_;
    alignas(kCacheLine) std::atomic<std::uint64_t> begin_{0};
    alignas(kCacheLine) std::atomic<std::uint64_t> end_{0};
  };

  void expect(std::uint64_t number);
  bool has_room(std::uint64_t number, std::size_t bytes);

  std::size_t max_messages_;
  std::size_t max_bytes_;
  std::uint64_t mask_;  ///< of a number, for its slot
  std::unique_ptr<Slot[]> slots_;
  Spares spares_;

  // What one thread writes lies apart from what the other does.
  alignas(kCacheLine) std::atomic<std::uint64_t> end_{0};
  std::uint64_t pushed_bytes_ = 0;         ///< ever; the pushing thread's
  std::uint64_t known_begin_ = 0;          ///< as the pushing thread saw it last
  std::uint64_t known_settled_bytes_ = 0;  ///< likewise
  alignas(kCacheLine) std::atomic<std::uint64_t> begin_{0};
  std::atomic<std::uint64_t> settled_bytes_{0};  ///< ever
};

}  // namespace bpx::bridge
