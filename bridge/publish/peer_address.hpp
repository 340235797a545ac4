#pragma once

#include <string>

namespace bpx::bridge {

/// Where a connection comes from.
struct PeerAddress {
  std::string host;  ///< by ipc `localhost:UID:GID:PID`, as libzmq writes it; empty where unknown
  std::string port;  ///< empty by ipc

  /// `HOST:PORT`, `[HOST]:PORT`, or the host alone; `unknown` where it is.
  std::string text() const;

  bool operator==(const PeerAddress&) const = default;
};

/// Of an open connection.
PeerAddress peer_address(int descriptor);

}  // namespace bpx::bridge
