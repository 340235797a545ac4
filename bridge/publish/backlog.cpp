#include "bridge/publish/backlog.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <new>
#include <span>
#include <utility>

namespace bpx::bridge {

/// What precedes each payload.
struct Backlog::Held {
  std::shared_ptr<Backlog> backlog;
  std::size_t bytes;

  static void let_go(void* /*payload*/, void* held) {
    auto* const gone = static_cast<Held*>(held);
    gone->backlog->take_off(gone->bytes);
    gone->~Held();
    ::operator delete(held);
  }
};

zmq::message_t Backlog::hold(std::string_view payload) {
  auto* const memory = ::operator new(sizeof(Held) + payload.size());
  auto* const text = static_cast<std::byte*>(memory) + sizeof(Held);
  std::ranges::copy(std::as_bytes(std::span(payload)), text);  // which may be empty, and then null
  auto* const held = new (memory) Held{shared_from_this(), payload.size() + kMessageOverhead};
  add(held->bytes);
  return {text, payload.size(), Held::let_go, held};
}

void Backlog::add(std::size_t bytes) {
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (whole_) whole_->add(bytes);
}

void Backlog::take_off(std::size_t bytes) {
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (whole_) whole_->take_off(bytes);
}

}  // namespace bpx::bridge
