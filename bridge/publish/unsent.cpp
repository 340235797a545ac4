#include "bridge/publish/unsent.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <utility>

namespace bpx::bridge {

struct Unsent::Receipt {
  proto::MessageHeader::Bytes header{};
  std::size_t payload_bytes = 0;
  Unsent* unsent = nullptr;
  std::shared_ptr<Backlog> backlog{};
  Receipt* next = nullptr;
};

Unsent::Unsent(std::uint64_t alarm) : alarm_(alarm), next_look_(alarm) {
  for (int i = 0; i < kAtFirst; ++i) at_hand_ = new Receipt{.unsent = this, .next = at_hand_};
}

Unsent::~Unsent() {
  release(at_hand_);
  release(came_back_.load(std::memory_order_acquire));
}

zmq::message_t Unsent::receipt(const proto::MessageHeader& header, std::size_t payload_bytes,
                               std::shared_ptr<Backlog> backlog) {
  auto* const receipt = take();
  receipt->header = header.encode();
  receipt->payload_bytes = payload_bytes;
  receipt->backlog = std::move(backlog);
  if (receipt->backlog) receipt->backlog->add(payload_bytes + Backlog::kMessageOverhead);
  sent_.store(sent_.load(std::memory_order_relaxed) + payload_bytes, std::memory_order_release);
  return {receipt->header.data(), receipt->header.size(), let_go, receipt};
}

std::uint64_t Unsent::bytes() const {
  const auto gone = gone_.load(std::memory_order_acquire);  // first: never more than was sent
  return sent_.load(std::memory_order_acquire) - gone;
}

bool Unsent::is_alarming() {
  const auto sent = sent_.load(std::memory_order_relaxed);
  if (sent < next_look_) return false;
  const auto waiting = bytes();
  const bool is_too_much = waiting > alarm_;
  // Before as much again has been sent as there is room for, it cannot be too much.
  next_look_ = sent + (is_too_much ? alarm_ / 8 : alarm_ - waiting) + 1;
  return is_too_much;
}

Unsent::Receipt* Unsent::take() {
  if (at_hand_ == nullptr) {
    count_back_.store(0, std::memory_order_relaxed);
    at_hand_ = came_back_.exchange(nullptr, std::memory_order_acquire);
  }
  if (at_hand_ == nullptr) return new Receipt{.unsent = this};
  return std::exchange(at_hand_, at_hand_->next);
}

void Unsent::let_go(void* /*header*/, void* receipt) {
  auto* const gone = static_cast<Receipt*>(receipt);
  gone->unsent->give_back(gone);
}

void Unsent::give_back(Receipt* receipt) {
  if (auto backlog = std::exchange(receipt->backlog, {}))
    backlog->take_off(receipt->payload_bytes + Backlog::kMessageOverhead);
  gone_.fetch_add(receipt->payload_bytes, std::memory_order_release);
  if (count_back_.fetch_add(1, std::memory_order_relaxed) >= kKept) {
    delete receipt;
    return;
  }
  receipt->next = came_back_.load(std::memory_order_relaxed);
  while (!came_back_.compare_exchange_weak(receipt->next, receipt, std::memory_order_release,
                                           std::memory_order_relaxed)) {
  }
}

void Unsent::release(Receipt* first) {
  while (first != nullptr) delete std::exchange(first, first->next);
}

}  // namespace bpx::bridge
