#include "bridge/publish/backlog.hpp"

namespace bpx::bridge {

void Backlog::add(std::size_t bytes) {
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (whole_) whole_->add(bytes);
}

void Backlog::take_off(std::size_t bytes) {
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  if (whole_) whole_->take_off(bytes);
}

}  // namespace bpx::bridge
