#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace bpx::bridge {

/// Tells the beginning of a trouble from its going on: what happens again within `quiet` of the
/// last time belongs to the same episode, and is not worth another line in the log.
class Episode {
 public:
  explicit Episode(std::chrono::nanoseconds quiet) : quiet_ns_(quiet.count()) {}

  /// It happens at `now_steady_ns`, as of steady_ns(). Returns whether an episode begins with it.
  bool begins(std::int64_t now_steady_ns) {
    const auto last = std::exchange(last_, now_steady_ns);
    return !last || now_steady_ns - *last >= quiet_ns_;
  }

 private:
  std::int64_t quiet_ns_;
  std::optional<std::int64_t> last_;
};

}  // namespace bpx::bridge
