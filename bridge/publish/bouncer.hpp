#pragma once

#include "bridge/publish/peer_address.hpp"

#include <optional>
#include <vector>

#include <sys/socket.h>

namespace bpx::bridge {

/// Ends connections that libzmq has accepted, of which it only tells the file descriptor. By the
/// time that is known, the descriptor may have become something else, such as the connection to the
/// exchange: so it is looked at through a descriptor of our own, which nothing can exchange in
/// between. libzmq sees the connection end and cleans up as always. One thread at a time.
class Bouncer {
 public:
  /// Throws StartupError where no descriptor is left.
  Bouncer();
  ~Bouncer();
  Bouncer(const Bouncer&) = delete;
  Bouncer& operator=(const Bouncer&) = delete;

  /// From now on connections that `listener` accepts are ours to end.
  void watch(int listener);

  /// Where libzmq lacks a file descriptor to accept whoever waits at a listener, it tries again and
  /// again, as fast as it can: accepts one in its place, and ends that connection. Returns where it
  /// came from; nullopt where nobody waits, or libzmq was quicker.
  std::optional<PeerAddress> turn_away_one();

  /// Ends `connection` if it is one that a watched listener has accepted, from `peer` where that is
  /// known. Returns where it came from; nullopt where it is another by now, or none.
  std::optional<PeerAddress> show_out(int connection, const PeerAddress& peer = {});

 private:
  struct Address {
    sockaddr_storage bytes{};
    socklen_t size = sizeof bytes;
  };

  static Address local_address(int descriptor);
  bool is_ours(const Address& local) const;
  std::optional<PeerAddress> end_held(const PeerAddress& expected) const;
  int another_of_nothing() const;

  int nothing_;  ///< open on nothing; what the others are while they are not used
  int held_;     ///< the descriptor of our own, never given up
  int spare_;    ///< makes room for one to be accepted; -1 where somebody was quicker to take that
  std::vector<int> listeners_;
  std::vector<Address> listening_;
};

}  // namespace bpx::bridge
