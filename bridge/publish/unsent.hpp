#pragma once

#include "bridge/publish/backlog.hpp"
#include "proto/message_header.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace zmq {
class message_t;
}

namespace bpx::bridge {

/// What libzmq holds of what it was given to send. It bounds queues by number alone, whatever the
/// size of a message, and tells nobody how full they are; but it says when it lets go of a frame.
/// So the last frame of each message, the header, bears a receipt. Receipts are used again: none is
/// allocated once as many are there as messages wait, up to a bound.
///
/// One thread sends; libzmq gives receipts back on any. Must outlive the ZeroMQ context.
class Unsent {
 public:
  /// `alarm`: bytes, see is_alarming().
  explicit Unsent(std::uint64_t alarm);
  ~Unsent();
  Unsent(const Unsent&) = delete;
  Unsent& operator=(const Unsent&) = delete;

  /// The last frame of a message, whose payload counts until libzmq has let go of it; where it is
  /// an answer, in `backlog` as well.
  zmq::message_t receipt(const proto::MessageHeader& header, std::size_t payload_bytes,
                         std::shared_ptr<Backlog> backlog = {});

  /// Bytes of payload that wait. Any thread.
  std::uint64_t bytes() const;

  /// Whether more waits than the alarm's bytes. Costs nothing as long as that cannot be; afterwards
  /// it is said only now and then. For the thread that sends.
  bool is_alarming();

 private:
  struct Receipt;

  static constexpr int kAtFirst = 1'024;

  /// How many are kept for use at most, twice: those at hand, and those that came back.
  static constexpr std::uint32_t kKept = 32'768;

  Receipt* take();
  void give_back(Receipt* receipt);
  static void let_go(void* header, void* receipt);
  static void release(Receipt* first);

  // Of the thread that sends.
  const std::uint64_t alarm_;
  std::uint64_t next_look_;  ///< at this many bytes sent
  Receipt* at_hand_ = nullptr;
  std::atomic<std::uint64_t> sent_{0};  ///< bytes, so far; written by the one thread

  // Of libzmq's: on a cache line of their own, as they change with every message that is taken.
  alignas(64) std::atomic<Receipt*> came_back_{nullptr};
  std::atomic<std::uint32_t> count_back_{0};
  std::atomic<std::uint64_t> gone_{0};  ///< bytes, so far
};

}  // namespace bpx::bridge
