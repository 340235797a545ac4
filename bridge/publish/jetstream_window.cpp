#include "bridge/publish/jetstream_window.hpp"

#include <bit>
#include <utility>

namespace bpx::bridge {

JetStreamWindow::JetStreamWindow(std::size_t max_messages, std::size_t max_bytes)
    : max_messages_(max_messages),
      max_bytes_(max_bytes),
      mask_(std::bit_ceil(max_messages) - 1),
      slots_(std::make_unique<Slot[]>(mask_ + 1)) {}

bool JetStreamWindow::push(std::string_view stream, std::string_view payload,
                           const proto::MessageHeader& header) {
  const auto number = end_.load(std::memory_order_relaxed);
  const auto bytes = stream.size() + payload.size();
  if (!has_room(number, bytes)) return false;
  auto& message = at(number);
  message.header = header;
  spares_.take(message.text);
  message.text.reserve(bytes);
  message.text.append(stream).append(payload);
  message.stream_bytes = stream.size();
  message.sent_steady_ns = 0;
  pushed_bytes_ += bytes;
  end_.store(number + 1);
  expect(number + 1);
  return true;
}

/// Looks at what the reading thread writes only where the window was full when it last did.
bool JetStreamWindow::has_room(std::uint64_t number, std::size_t bytes) {
  const auto has_it = [&] {
    return number - known_begin_ < max_messages_ &&
           pushed_bytes_ - known_settled_bytes_ + bytes <= max_bytes_;
  };
  if (has_it()) return true;
  known_begin_ = begin();
  known_settled_bytes_ = settled_bytes_.load(std::memory_order_acquire);
  return has_it();
}

/// That a message comes next. The window is far larger than a cache, and long in coming round.
void JetStreamWindow::expect(std::uint64_t number) {
  auto* const slot = reinterpret_cast<const char*>(&slots_[number & mask_]);
  constexpr int kToWrite = 1;
  __builtin_prefetch(slot, kToWrite);
  __builtin_prefetch(slot + sizeof(Slot) - 1, kToWrite);
  spares_.expect();
}

bool JetStreamWindow::settle(std::uint64_t number) {
  const auto oldest = begin_.load(std::memory_order_relaxed);
  if (number < oldest || number >= end()) return false;
  if (std::exchange(slots_[number & mask_].is_settled, true)) return false;
  if (number != oldest) return true;
  const auto newest = end();
  auto kept = oldest;
  auto settled_bytes = settled_bytes_.load(std::memory_order_relaxed);
  for (; kept < newest && slots_[kept & mask_].is_settled; ++kept) {
    auto& slot = slots_[kept & mask_];
    settled_bytes += slot.message.text.size();
    spares_.put(std::exchange(slot.message.text, {}));
    slot.is_settled = false;
  }
  settled_bytes_.store(settled_bytes, std::memory_order_release);
  begin_.store(kept, std::memory_order_release);
  return true;
}

void JetStreamWindow::Spares::put(std::string&& text) {
  const auto end = end_.load(std::memory_order_relaxed);
  const bool has_room = end - begin_.load(std::memory_order_acquire) < kMost;
  if (!has_room || text.capacity() > kMostBytes) return;
  texts_[end % kMost] = std::move(text);
  texts_[end % kMost].clear();
  end_.store(end + 1, std::memory_order_release);
}

void JetStreamWindow::Spares::take(std::string& text) {
  const auto begin = begin_.load(std::memory_order_relaxed);
  if (begin == end_.load(std::memory_order_acquire)) return;
  text = std::move(texts_[begin % kMost]);
  begin_.store(begin + 1, std::memory_order_release);
}

void JetStreamWindow::Spares::expect() const {
  const auto begin = begin_.load(std::memory_order_relaxed);
  if (begin == end_.load(std::memory_order_acquire)) return;
  constexpr std::size_t kUsual = 256;
  for (std::size_t i = 0; i < kUsual; i += kCacheLine)
    __builtin_prefetch(texts_[begin % kMost].data() + i, 1);
}

}  // namespace bpx::bridge
