#pragma once

#include <cstdint>
#include <optional>
#include <utility>

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
    ++looks_since_room_;
    if (!is_full && std::exchange(looks_since_room_, 0) <= kSoon) began_.reset();
    if (is_full && !began_) began_ = {published, taken};
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

  /// Looks. Who has room twice within so many keeps up. Once in a hundred looks it has that, too,
  /// who reads without a pause and yet too slowly: libzmq fills the room at once.
  static constexpr int kSoon = 20;

  bool is_full_ = false;
  int looks_since_room_ = 0;
  std::optional<Sight> began_;
  Sight now_;
};

}  // namespace bpx::bridge
