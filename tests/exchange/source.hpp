#pragma once

#include "tests/exchange/envelope.hpp"
#include "tests/exchange/pacer.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bpx::exchange {

/// What the exchange has to say by itself: a market that runs, or a recording. Times are true Unix
/// microseconds, never decreasing but for steps of the machine's clock.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// Events from `now_us` on happen `per_second` times a second; 0: none, infinity: at any time.
  virtual void set_rate(double per_second, std::int64_t now_us) = 0;
  virtual const Pacer& pacer() const = 0;

  /// When there is something to play next; Pacer::kNever where there is not.
  virtual std::int64_t due_us(std::int64_t now_us) const = 0;
  /// Appends what is due up to `now_us`, of at most `limit` events.
  virtual void play(std::int64_t now_us, std::size_t limit, std::vector<SharedMessage>& out) = 0;
};

}  // namespace bpx::exchange
