#pragma once

#include "bridge/publish/lag.hpp"
#include "bridge/publish/peer_address.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace bpx::bridge {

/// What the system tells of those who are connected to an endpoint, by file descriptor. One thread
/// at a time.
class Peers {
 public:
  struct Peer {
    PeerAddress address;
    std::int64_t since_ns = 0;  ///< Unix
    std::uint64_t unsent = 0;   ///< bytes that wait in the system, as last seen
    Lag lag;
    bool is_leaving = false;
  };

  void arrived(int connection);
  /// Learns its address. To be called a moment later, when it is known not to have left again.
  void identify(int connection);
  std::optional<Peer> left(int connection);
  /// It is about to leave: nobody is to wait for it any more.
  void gives_up(int connection);

  /// Looks at each; `published`: bytes at the endpoint, so far.
  void look(std::uint64_t published);

  /// As of the last look; nullopt where nobody is behind.
  std::optional<int> furthest_behind() const;
  std::size_t count_behind() const;

  const std::map<int, Peer>& all() const { return peers_; }

 private:
  std::map<int, Peer> peers_;
};

}  // namespace bpx::bridge
