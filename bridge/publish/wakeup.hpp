#pragma once

#include <chrono>

namespace bpx::bridge {

/// A wait that other threads may end. Who rings when nobody waits ends the next wait at once, so
/// that nothing is missed between a look and the wait after it.
class Wakeup {
 public:
  Wakeup();  ///< throws std::system_error where the process may have no further descriptor
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Any thread. Never waits.
  void ring() noexcept;

  /// Until somebody rings, at most that long; seldom for less. One thread at a time.
  void wait(std::chrono::milliseconds longest) noexcept;

 private:
  int descriptor_;
};

}  // namespace bpx::bridge
