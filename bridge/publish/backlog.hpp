#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace zmq {
class message_t;
}

namespace bpx::bridge {

/// How much of what was sent to a consumer is still in memory, since it, or another whose
/// subscription it meets, has not taken it yet. libzmq bounds queues by number alone, whatever the
/// size of a message, and tells nobody how full they are; but it says when it lets go of one.
/// Thread safe: that it says on a thread of its own.
class Backlog : public std::enable_shared_from_this<Backlog> {
 public:
  /// What a message takes beside its payload: libzmq's frames, with topic and header.
  static constexpr std::size_t kMessageOverhead = 512;

  /// `whole`: of which this is a part, null for none.
  // Shared: it ends with the last message that waits, which may outlive its consumer and the
  // bridge.
  explicit Backlog(std::shared_ptr<Backlog> whole = {}) : whole_(std::move(whole)) {}

  /// A copy of `payload` that counts from now until libzmq has let go of it.
  zmq::message_t hold(std::string_view payload);

  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Held;

  void add(std::size_t bytes);
  void take_off(std::size_t bytes);

  std::shared_ptr<Backlog> whole_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace bpx::bridge
