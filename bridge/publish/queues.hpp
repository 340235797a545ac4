#pragma once

#include "bridge/observe/counter.hpp"
#include "bridge/publish/crowd.hpp"
#include "bridge/publish/unsent.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bpx::bridge {

/// Bounds what waits for consumers. Where it is too much, whoever is furthest behind has to go. A
/// message waits until the last consumer has taken it: where several are behind, only the last to
/// go frees what they have in common. So where what waits does not become less, it is two that go
/// next, then four. One thread.
class Queues {
 public:
  /// `most`: bytes. `measured`: is told how many wait.
  Queues(const Unsent& unsent, std::uint64_t most, Gauge<std::uint64_t>& measured)
      : unsent_(unsent), most_(most), measured_(measured) {}

  /// Sees to it. Each of `crowds` has just looked around.
  void look(const std::vector<Crowd*>& crowds, std::int64_t now_ns);

  /// When to look again.
  std::chrono::milliseconds next_look() const;

 private:
  const Unsent& unsent_;
  std::uint64_t most_;
  Gauge<std::uint64_t>& measured_;
  std::uint64_t waiting_ = 0;     ///< at the last look
  std::uint64_t least_ = 0;       ///< since somebody had to go
  std::int64_t progress_ns_ = 0;  ///< when it became less, or somebody had to go
  std::size_t to_go_ = 1;
};

}  // namespace bpx::bridge
