#pragma once

#include "proto/message_header.hpp"

#include <boost/intrusive/list.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

class StreamHistory;

/// The memory in which the last messages of all streams are kept, for consumers that missed them.
/// Bounded by Limits::bytes in all: where that is reached, the stream that uses most of it gives up
/// its oldest chunk, with all messages that begin there, so that a busy stream never pushes out a
/// quiet one's. Allocates until the bound is reached and after that only where a stream comes to
/// use more than any did before. One thread; outlives the streams that use it.
class History {
 public:
  struct Limits {
    std::size_t messages = 1'024;    ///< kept of one stream
    std::size_t bytes = 67'108'864;  ///< kept of all streams together, headers included
  };

  explicit History(const Limits& limits);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  const Limits& limits() const { return limits_; }

  /// Memory used for messages, which is never given back. The system may have set up to a slab
  /// more aside.
  std::size_t bytes() const { return chunks_ * sizeof(Chunk); }

 private:
  friend class StreamHistory;

  /// Messages lie end to end over the chunks of their stream. Small, so that thousands of streams
  /// that say little waste little.
  struct Chunk {
    static constexpr std::size_t kBytes = 4096 - 2 * sizeof(void*);

    Chunk* next;
    // With these, giving it up looks at none of the messages.
    std::uint32_t records;  ///< that begin in it; known once the stream goes on in the next
    std::uint32_t first;    ///< where the first of these begins, if any: behind the end of another
    std::array<std::uint8_t, kBytes> bytes;
  };

  /// Taken from the system at once: a huge page, where it has them. With thousands of streams
  /// hardly a message would find its pages' translations in the processor otherwise.
  static constexpr std::size_t kSlabBytes = 2'097'152;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  using Slab = std::unique_ptr<std::byte, Free>;

  using Hook = boost::intrusive::list_member_hook<>;
  struct OfOneSize;

  bool has_room_for(std::size_t bytes) const;
  Chunk* grow();
  Chunk* take(StreamHistory& taker);
  void give_back(StreamHistory& giver, Chunk* chunk);
  void rank(StreamHistory& stream, std::size_t chunks);
  void evict();

  Limits limits_;
  std::size_t max_chunks_;
  std::vector<Slab> slabs_;
  std::size_t chunks_ = 0;  ///< ever used
  Chunk* free_ = nullptr;
  /// The streams that use so many chunks each, so that the greatest is at hand.
  std::vector<OfOneSize> by_size_;
  std::size_t greatest_ = 0;  ///< no stream uses more
};

/// The last messages of one stream, without a hole between them. Must not outlive its History.
class StreamHistory {
 public:
  explicit StreamHistory(History& history) : history_(history) {}
  ~StreamHistory() { forget_all(); }
  StreamHistory(const StreamHistory&) = delete;
  StreamHistory& operator=(const StreamHistory&) = delete;

  /// Keeps a message: one copy of it. The oldest go where a limit is reached; a message that is
  /// itself beyond History::Limits::bytes is not kept, nor is anything before it.
  void keep(const proto::MessageHeader& header, std::string_view payload);

  /// keep() follows: has the processor fetch what that will touch, which with many streams is not
  /// in its caches, while something else is done.
  void expect() const {
    if (oldest_.chunk == nullptr) return;
    constexpr std::size_t kUsual = sizeof(Record) + 180, kCacheLine = 64;
    __builtin_prefetch(oldest_.chunk->bytes.data() + oldest_.offset);  // its record's first member
    for (std::size_t i = 0; i < kUsual; i += kCacheLine)  // behind the chunk: in vain, and no worse
      __builtin_prefetch(end_.chunk->bytes.data() + end_.offset + i, 1);
  }

  /// How many messages are kept.
  std::size_t size() const { return count_; }

  /// Where a reading stands, which may go on after others have been kept and forgotten.
  class Place;

  /// Reads the oldest kept message of `place`'s sequence or later into `payload`, and moves `place`
  /// behind it. nullopt where there is none.
  std::optional<proto::MessageHeader> read_next(Place& place, std::string& payload) const;

 private:
  friend class History;

  struct Cursor {
    History::Chunk* chunk = nullptr;
    std::size_t offset = 0;  ///< up to Chunk::kBytes: then the next chunk, if any, goes on

    bool operator==(const Cursor&) const = default;
  };
  /// What precedes each payload.
  struct Record {
    std::uint32_t payload_bytes;  ///< first: all that forgetting it looks at
    proto::MessageHeader header;
  };

  void make_room(std::size_t bytes);
  void write(const void* bytes, std::size_t size);
  void enter_next_chunk();
  void forget_oldest();
  void forget_oldest_chunk();
  void forget_all();
  void drop_oldest_chunk();
  static void read(Cursor& at, void* bytes, std::size_t size);
  static void skip(Cursor& at, std::size_t size) { read(at, nullptr, size); }
  static Record read_record(Cursor& at);

  History& history_;
  Cursor oldest_;
  Cursor end_;
  std::size_t room_ = 0;         ///< behind end_, in its chunk and those that follow it
  std::size_t count_ = 0;        ///< of messages
  std::uint32_t begun_ = 0;      ///< those that begin in end_'s chunk
  std::uint32_t forgotten_ = 0;  ///< of those that began in oldest_'s chunk
  History::Chunk* last_ = nullptr;
  std::size_t chunks_ = 0;  ///< as ranked in History::by_size_
  History::Hook hook_;      ///< among those that use as many
};

class StreamHistory::Place {
 public:
  /// `sequence`: of the first message wanted.
  explicit Place(std::uint64_t sequence = 0) : next_(sequence) {}

 private:
  friend class StreamHistory;

  std::uint64_t next_;  ///< sequence
  Cursor last_{};       ///< where the message read last begins, which may be kept no more
};

struct History::OfOneSize
    : boost::intrusive::list<
          StreamHistory,
          boost::intrusive::member_hook<StreamHistory, History::Hook, &StreamHistory::hook_>,
          boost::intrusive::constant_time_size<false>> {};

}  // namespace bpx::bridge
