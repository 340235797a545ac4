#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace bpx::bridge {

/// How much of what was sent to a consumer is still in memory, since it, or another whose
/// subscription it meets, has not taken it yet. Thread safe: libzmq says that on a thread of its
/// own.
class Backlog : public std::enable_shared_from_this<Backlog> {
 public:
  /// What a message takes beside its payload: libzmq's frames, with topic and header.
  static constexpr std::size_t kMessageOverhead = 512;

  /// `whole`: of which this is a part, null for none.
  // Shared: it ends with the last message that waits, which may outlive its consumer and the
  // bridge.
  explicit Backlog(std::shared_ptr<Backlog> whole = {}) : whole_(std::move(whole)) {}

  void add(std::size_t bytes);
  void take_off(std::size_t bytes);

  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<Backlog> whole_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace bpx::bridge
