#pragma once

#include "proto/envelope.hpp"
#include "proto/stream_name.hpp"

#include <cstdint>
#include <optional>

namespace bpx::bridge {

/// Ids that the exchange has passed over; or, where `got` is below `expected`, its counting anew.
struct Gap {
  std::uint64_t expected = 0;
  std::uint64_t got = 0;

  /// 0 where it counts anew: nobody knows.
  std::uint64_t missing() const { return got > expected ? got - expected : 0; }
};

/// Follows the ids that the exchange numbers a stream's messages by, within and across connections:
/// what it skipped, and what happened while there was no connection, is known to the id. A message
/// that comes again proves that nothing is missing and is no gap. Where one with an old id is an
/// event later than any before, or another goes on from it, the ids have begun anew: that is a gap,
/// since nothing tells what was missed, and they are followed from there. If the very next message
/// goes on where the count before had come to, the one with the old id was only late: nothing is
/// missing then, and that count is followed on. A message without ids changes nothing.
class Continuity {
 public:
  explicit Continuity(proto::Numbering numbering) : numbering_(numbering) {}

  /// The gap before `envelope`, if ids show one.
  std::optional<Gap> follow(const proto::Envelope& envelope);

 private:
  proto::Numbering numbering_;
  std::optional<std::uint64_t> next_;  ///< expected; nothing before the first message
  std::optional<std::uint64_t> old_;   ///< what would go on from a message that came again
  std::optional<std::uint64_t> left_;  ///< what would go on from the count that just ended
  std::int64_t newest_us_ = 0;         ///< the latest event's time; 0 where none bears one
};

}  // namespace bpx::bridge
