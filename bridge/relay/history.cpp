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
    Slab slab(static_cast<std::byte*>(std::aligned_alloc(kSlabBytes, kSlabBytes)));
    if (slab == nullptr) throw std::bad_alloc();
    madvise(slab.get(), kSlabBytes, MADV_HUGEPAGE);  // in vain where there are none, and no worse
    slabs_.push_back(std::move(slab));
  }
  return new (slabs_.back().get() + chunks_++ % kOfSlab * sizeof(Chunk)) Chunk;
}

History::Chunk* History::take(StreamHistory& taker) {
  const auto has_room = chunks_ < max_chunks_;
  while (free_ == nullptr && !has_room) evict();
  // First, as it may fail: ranks must hold even then.
  if (taker.chunks_ + 1 >= by_size_.size()) by_size_.resize(taker.chunks_ + 2);
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
  if (chunks > 0) by_size_[chunks].push_back(stream);
  greatest_ = std::max(greatest_, chunks);
}

/// Whoever makes room may hold chunks and no message to give up, and nobody else: so there are
/// messages elsewhere, for has_room_for() saw to it that one message does not need everything.
void History::evict() {
  while (by_size_[greatest_].empty()) --greatest_;
  for (auto size = greatest_; size > 0; --size)
    for (auto& stream : by_size_[size]) {
      if (stream.count_ == 0) continue;
      stream.forget_oldest_chunk();
      return;
    }
}

void StreamHistory::keep(const proto::MessageHeader& header, std::string_view payload) {
  static_assert(std::is_trivially_copyable_v<Record>);
  const auto most = history_.limits_.messages;
  if (most == 0) return;
  const auto size = sizeof(Record) + payload.size();
  if (payload.size() > std::numeric_limits<std::uint32_t>::max() || !history_.has_room_for(size))
    return forget_all();
  if (count_ == most) forget_oldest();
  if (room_ < size) make_room(size);
  if (end_.offset == History::Chunk::kBytes) enter_next_chunk();
  const Record record{static_cast<std::uint32_t>(payload.size()), header};
  ++count_;
  ++begun_;
  room_ -= size;
  if (History::Chunk::kBytes - end_.offset >= size) {  // as most do, for which this is quicker
    auto* const to = end_.chunk->bytes.data() + end_.offset;
    std::memcpy(to, &record, sizeof record);
    std::memcpy(to + sizeof record, payload.data(), payload.size());
    end_.offset += size;
    return;
  }
  write(&record, sizeof record);
  write(payload.data(), payload.size());
  end_.chunk->first = static_cast<std::uint32_t>(end_.offset);
}

/// Nothing of the message is written yet: all of the stream can be given up for it.
void StreamHistory::make_room(std::size_t bytes) {
  while (room_ < bytes) {
    auto* const chunk = history_.take(*this);
    if (oldest_.chunk == nullptr)
      oldest_ = end_ = {chunk, 0};
    else
      last_->next = chunk;
    last_ = chunk;
    room_ += History::Chunk::kBytes;
  }
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
    const auto [payload_bytes, header] = read_record(at);
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
  if (oldest_.offset == History::Chunk::kBytes) drop_oldest_chunk();
  ++forgotten_;
  --count_;
  auto at = oldest_;
  decltype(Record::payload_bytes) payload_bytes = 0;
  read(at, &payload_bytes, sizeof payload_bytes);
  skip(at, sizeof(Record) - sizeof payload_bytes + payload_bytes);
  while (oldest_.chunk != at.chunk) drop_oldest_chunk();
  oldest_ = at;
}

/// With all messages that begin there.
void StreamHistory::forget_oldest_chunk() {
  do {
    if (oldest_.chunk == end_.chunk) return forget_all();
    count_ -= oldest_.chunk->records - forgotten_;
    drop_oldest_chunk();
  } while (oldest_.chunk != end_.chunk ? oldest_.chunk->records == 0 : begun_ == 0);
  oldest_.offset = oldest_.chunk->first;
}

void StreamHistory::forget_all() {
  while (oldest_.chunk != nullptr) drop_oldest_chunk();
  end_ = {};
  room_ = count_ = begun_ = 0;
}

void StreamHistory::drop_oldest_chunk() {
  history_.give_back(*this, std::exchange(oldest_.chunk, oldest_.chunk->next));
  oldest_.offset = forgotten_ = 0;
}

void StreamHistory::write(const void* bytes, std::size_t size) {
  const auto* from = static_cast<const std::uint8_t*>(bytes);
  while (size > 0) {
    if (end_.offset == History::Chunk::kBytes) enter_next_chunk();
    const auto part = std::min(size, History::Chunk::kBytes - end_.offset);
    std::memcpy(end_.chunk->bytes.data() + end_.offset, from, part);
    end_.offset += part;
    from += part;
    size -= part;
  }
}

void StreamHistory::enter_next_chunk() {
  end_.chunk->records = std::exchange(begun_, 0);
  end_ = {end_.chunk->next, 0};
  end_.chunk->first = 0;
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
