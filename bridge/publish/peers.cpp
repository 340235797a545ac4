#include "bridge/publish/peers.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/traffic.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <poll.h>

namespace bpx::bridge {

void Peers::arrived(int connection) {
  auto& peer = peers_[connection] = {};
  peer.since_ns = unix_ns();
}

void Peers::identify(int connection) {
  if (const auto found = peers_.find(connection); found != peers_.end())
    found->second.address = peer_address(connection);
}

std::optional<Peers::Peer> Peers::left(int connection) {
  auto gone = peers_.extract(connection);
  if (!gone) return std::nullopt;
  return std::move(gone.mapped());
}

void Peers::gives_up(int connection) {
  auto& peer = peers_.at(connection);
  peer.is_leaving = true;
  peer.lag = {};
}

void Peers::look(std::uint64_t published) {
  std::vector<pollfd> all;
  all.reserve(peers_.size());
  for (const auto& [connection, peer] : peers_) all.push_back({connection, POLLOUT, 0});
  ::poll(all.data(), all.size(), 0);
  auto seen = all.begin();
  for (auto& [connection, peer] : peers_) {
    const bool is_full = (seen++)->revents == 0 && !peer.is_leaving;
    const auto traffic = traffic_of(connection);
    peer.lag.see(is_full, published, traffic ? traffic->taken : 0);
    peer.unsent = unsent_bytes(connection);
  }
}

std::optional<int> Peers::furthest_behind() const {
  const auto how_far = [](const auto& peer) {
    return std::pair(peer.second.lag.is_behind(), peer.second.lag.bytes());
  };
  const auto furthest = std::ranges::max_element(peers_, {}, how_far);
  if (furthest == peers_.end() || !furthest->second.lag.is_behind()) return std::nullopt;
  return furthest->first;
}

std::size_t Peers::count_behind() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(peers_, [](const auto& peer) { return peer.second.lag.is_behind(); }));
}

}  // namespace bpx::bridge
