#pragma once

#include <cstdint>
#include <optional>

namespace bpx::bridge {

/// What has passed over a TCP connection, as the system counts it. libzmq tells less: neither who
/// has said anything yet, nor by which version of ZMTP.
struct Traffic {
  std::uint64_t received = 0;  ///< bytes, from the peer
  std::uint64_t taken = 0;     ///< bytes sent that the peer's system has acknowledged

  /// Whether the peer has said less than ZMTP's shortest greeting. What libzmq says first to
  /// everyone, unasked, has been taken: a system that counts nothing accuses nobody.
  bool is_silent() const;

  /// Whether nothing but the handshake of ZMTP 3 can have been sent: no message. `has_curve`: where
  /// the endpoint has.
  bool is_without_messages(bool has_curve) const;
};

/// Of an open connection; nullopt where the system does not say, as of `ipc://`. Any thread.
std::optional<Traffic> traffic_of(int descriptor);

/// What the system holds of it that the peer has not acknowledged, or by `ipc://` not read. Any
/// thread.
std::uint64_t unsent_bytes(int descriptor);

}  // namespace bpx::bridge
