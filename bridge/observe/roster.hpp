#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bpx::bridge {

/// A consumer that is connected.
struct ConnectedConsumer {
  std::string address;
  std::int64_t since_ns = 0;                     ///< Unix
  std::optional<std::uint64_t> subscriptions{};  ///< nullopt where it does not say who it is
  std::uint64_t unsent_bytes = 0;                ///< on their way to it, libzmq's queue aside
  bool is_behind = false;                        ///< something waits for it in libzmq's queue
};

/// Who is connected to an endpoint, as of the last look. Thread safe.
class Roster {
 public:
  void set(std::vector<ConnectedConsumer> consumers) {
    const std::lock_guard lock(mutex_);
    consumers_ = std::move(consumers);
  }
  std::vector<ConnectedConsumer> get() const {
    const std::lock_guard lock(mutex_);
    return consumers_;
  }

 private:
  mutable std::mutex mutex_;  // a list cannot be atomic; taken once a second, and by readers
  std::vector<ConnectedConsumer> consumers_;
};

}  // namespace bpx::bridge
