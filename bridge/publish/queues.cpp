#include "bridge/publish/queues.hpp"

#include <algorithm>

namespace bpx::bridge {
namespace {

constexpr std::chrono::milliseconds kUsual{1'000};
constexpr std::chrono::milliseconds kHurried{50};

/// libzmq needs a moment to let go of what waited for one who is gone.
constexpr std::int64_t kPatienceNs = 150'000'000;

/// Ends the connection of the one that is furthest behind at any endpoint, by more than `least`.
/// Returns whether there is one; where it is just going by itself, the next look tells of another.
bool evict_one(const std::vector<Crowd*>& crowds, std::uint64_t least, std::uint64_t waiting) {
  const auto furthest = std::ranges::max_element(crowds, {}, &Crowd::furthest_behind);
  if (furthest == crowds.end() || (*furthest)->furthest_behind() <= least) return false;
  return (*furthest)->evict_furthest_behind(waiting);
}

}  // namespace

void Queues::look(const std::vector<Crowd*>& crowds, std::int64_t now_ns) {
  waiting_ = unsent_.bytes();
  measured_.set(waiting_);
  if (waiting_ <= most_) {
    to_go_ = 1;
    least_ = 0;
    return;
  }
  if (waiting_ < least_) {
    least_ = waiting_;
    progress_ns_ = now_ns;
  }
  if (least_ != 0 && now_ns - progress_ns_ < kPatienceNs) return;
  for (std::size_t left = to_go_; left > 0; --left) {
    // Whose queue it is has been looked at since half as much waited: that much is its own. Others
    // only catch their breath.
    if (!evict_one(crowds, most_ / 4, waiting_)) return;
    least_ = waiting_;
    progress_ns_ = now_ns;
  }
  to_go_ *= 2;
}

std::chrono::milliseconds Queues::next_look() const {
  return waiting_ > most_ / 2 ? kHurried : kUsual;
}

}  // namespace bpx::bridge
