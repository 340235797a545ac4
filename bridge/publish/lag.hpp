#pragma once

#include <cstdint>
#include <optional>

namespace bpx::bridge {

/// How far a consumer is behind, as it looks from outside: libzmq tells nobody how full its queues
/// are. But it holds something back only for a connection to which the system takes nothing more.
/// Pure; counted from when that was seen first.
class Lag {
 public:
  /// `is_full`: nothing more is taken at this moment. `published`: bytes at the endpoint, so far;
  /// `taken`: by the consumer, so far.
  void see(bool is_full, std::uint64_t published, std::uint64_t taken) {
    is_full_ = is_full;
    if (is_full) {
      if (!began_) began_ = {published, taken};
      breaths_ = 0;
    } else if (++breaths_ == kBreaths) {
      began_.reset();
    }
    if (began_) now_ = {published, taken};
  }

  /// Whether it was seen to be full last time.
  bool is_behind() const { return is_full_; }

  /// What has been published meanwhile and not been taken; 0 where it has only just been seen, as
  /// it is of one who catches its breath. Too much of one who wants but a part of it.
  std::uint64_t bytes() const {
    if (!began_) return 0;
    const auto published = now_.published - began_->published;
    const auto taken = now_.taken - began_->taken;
    return published > taken ? published - taken : 0;
  }

 private:
  struct Sight {
    std::uint64_t published = 0;
    std::uint64_t taken = 0;
  };

  /// Seen in a row to have room: as rarely as once in a while it has that, too, who reads without a
  /// pause and yet too slowly.
  static constexpr int kBreaths = 3;

  bool is_full_ = false;
  int breaths_ = 0;
  std::optional<Sight> began_;
  Sight now_;
};

}  // namespace bpx::bridge
