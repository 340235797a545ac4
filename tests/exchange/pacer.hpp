#pragma once

#include <cstdint>
#include <limits>

namespace bpx::exchange {

/// When events are due that happen so many times a second. Event k is due exactly k / rate after
/// the start, however late the loop comes to it: the schedule does not drift, and can be repeated.
/// Pure; microseconds of whatever clock the caller keeps.
class Pacer {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// Events follow from `now_us` on, `per_second` of them; 0: none, infinity: at any time.
  void start(double per_second, std::int64_t now_us);

  double per_second() const { return per_second_; }
  bool unlimited() const { return per_second_ == std::numeric_limits<double>::infinity(); }

  /// When the next event is due: `now_us` itself where the rate is unlimited, kNever where it is 0.
  std::int64_t due_us(std::int64_t now_us) const;
  /// The event that was due has happened.
  void advance() { ++happened_; }
  /// Gives up on events that are overdue by more than a second: who cannot keep the rate must not
  /// pile up debts.
  void forgive(std::int64_t now_us);

 private:
  double per_second_ = 0;
  std::int64_t start_us_ = 0;
  std::int64_t happened_ = 0;
};

}  // namespace bpx::exchange
