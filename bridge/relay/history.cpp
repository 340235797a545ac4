#include "bridge/relay/history.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include <sys/mman.h>

namespace bpx::bridge {

History::History(const Limits& limits)
    : limits_(limits), max_chunks_(limits.bytes / sizeof(Chunk)), by_size_(1) {}

History::~History() = default;

/// A chunk more than it takes: it begins within one.
bool History::has_room_for(std::size_t bytes) const {
  return bytes / Chunk::kBytes + 2 <= max_chunks_;
}

/// A chunk that nobody has used yet.
History::Chunk* History::grow() {
  constexpr auto kOfSlab = kSlabBytes / sizeof(Chunk);
  if (chunks_ == slabs_.size() * kOfSlab) {
    auto* const memory = std::aligned_alloc(kSlabBytes, kSlabBytes);
    if (memory == nullptr) throw std::bad_alloc();
    slabs_.emplace_back(static_cast<std::byte*>(memory));
    madvise(memory, kSlabBytes, MADV_HUGEPAGE);  // in vain where there are none, and no worse
  }
  return new (slabs_.back().get() + chunks_++ % kOfSlab * sizeof(Chunk)) Chunk;
}

History::Chunk* History::take(StreamHistory& taker) {
  const auto has_room = chunks_ < max_chunks_;
  while (free_ == nullptr && !has_room) evict(taker);
  auto* const taken = free_ != nullptr ? std::exchange(free_, free_->next) : grow();
  taken->next = nullptr;
  rank(taker, taker.chunks_ + 1);
  return taken;
}

void History::give_back(StreamHistory& giver, Chunk* chunk) {
  chunk->next = std::exchange(free_, chunk);
  rank(giver, giver.chunks_ - 1);
}

void History::rank(StreamHistory& stream, std::size_t chunks) {
  if (stream.chunks_ > 0) by_size_[stream.chunks_].erase(OfOneSize::s_iterator_to(stream));
  stream.chunks_ = chunks;
  if (chunks >= by_size_.size()) by_size_.resize(chunks + 1);
  if (chunks > 0) by_size_[chunks].push_back(stream);
  greatest_ = std::max(greatest_, chunks);
}

/// `taker` may be in the midst of writing its only message, and has none to give up then. Somebody
/// else has: has_room_for() saw to it that one message does not need everything.
void History::evict(const StreamHistory& taker) {
  while (by_size_[greatest_].empty()) --greatest_;
  for (auto size = greatest_; size > 0; --size)
    for (auto& stream : by_size_[size]) {
      if (stream.count_ == 0) continue;
      stream.forget_oldest();
      if (stream.count_ == 0 && &stream != &taker) stream.forget_all();
      return;
    }
}

void StreamHistory::keep(const proto::MessageHeader& header, std::string_view payload) {
  static_assert(std::is_trivially_copyable_v<Record>);
  const auto most = history_.limits_.messages;
  if (most == 0) return;
  if (payload.size() > std::numeric_limits<std::uint32_t>::max() ||
      !history_.has_room_for(sizeof(Record) + payload.size()))
    return forget_all();
  if (count_ == most) forget_oldest();
  const Record record{header, static_cast<std::uint32_t>(payload.size())};
  write(&record, sizeof record);
  write(payload.data(), payload.size());
  ++count_;
}

std::optional<proto::MessageHeader> StreamHistory::read_next(Place& place,
                                                             std::string& payload) const {
  if (count_ == 0) return std::nullopt;
  auto at = oldest_;
  const auto oldest = read_record(at).header.sequence;
  // What is kept stays where it is: with the message read last, so does what follows it.
  at = place.last_.chunk != nullptr && place.next_ > oldest ? place.last_ : oldest_;
  while (at != end_) {
    const auto begin = at;
    const auto [header, payload_bytes] = read_record(at);
    if (header.sequence < place.next_) {
      skip(at, payload_bytes);
      continue;
    }
    payload.resize(payload_bytes);
    read(at, payload.data(), payload_bytes);
    place.next_ = header.sequence + 1;
    place.last_ = begin;
    return header;
  }
  return std::nullopt;
}

void StreamHistory::forget_oldest() {
  auto at = oldest_;
  skip(at, read_record(at).payload_bytes);
  while (oldest_.chunk != at.chunk)
    history_.give_back(*this, std::exchange(oldest_.chunk, oldest_.chunk->next));
  oldest_ = at;
  --count_;
}

void StreamHistory::forget_all() {
  while (oldest_.chunk != nullptr)
    history_.give_back(*this, std::exchange(oldest_.chunk, oldest_.chunk->next));
  oldest_ = end_ = {};
  count_ = 0;
}

void StreamHistory::write(const void* bytes, std::size_t size) {
  const auto* from = static_cast<const std::uint8_t*>(bytes);
  while (size > 0) {
    if (end_.chunk == nullptr || end_.offset == History::Chunk::kBytes) {
      auto* const chunk = history_.take(*this);
      if (end_.chunk == nullptr)
        oldest_.chunk = chunk;
      else
        end_.chunk->next = chunk;
      end_ = {chunk, 0};
    }
    const auto part = std::min(size, History::Chunk::kBytes - end_.offset);
    std::memcpy(end_.chunk->bytes.data() + end_.offset, from, part);
    end_.offset += part;
    from += part;
    size -= part;
  }
}

/// Passes over `size` bytes, which are copied to `bytes` unless that is nullptr.
void StreamHistory::read(Cursor& at, void* bytes, std::size_t size) {
  auto* to = static_cast<std::uint8_t*>(bytes);
  while (size > 0) {
    if (at.offset == History::Chunk::kBytes) at = {at.chunk->next, 0};
    const auto part = std::min(size, History::Chunk::kBytes - at.offset);
    if (to != nullptr) {
      std::memcpy(to, at.chunk->bytes.data() + at.offset, part);
      to += part;
    }
    at.offset += part;
    size -= part;
  }
}

StreamHistory::Record StreamHistory::read_record(Cursor& at) {
  Record record{};
  read(at, &record, sizeof record);
  return record;
}

}  // namespace bpx::bridge
