#include "bridge/publish/traffic.hpp"

#include <linux/sockios.h>
#include <linux/tcp.h>

#include <cstddef>

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace bpx::bridge {
namespace {

/// ZMTP 2: signature, revision, socket type, and the frame of an anonymous identity. ZMTP 3 has 64.
/// Source: rfc.zeromq.org/spec/15, /spec/23.
constexpr std::uint64_t kShortestGreeting = 14;

/// The greeting of ZMTP 3, and READY with the socket type XPUB. A peer of ZMTP 2 has been sent as
/// much only if it has been sent a message: of 14 bytes of greeting, 54 of framing and header, and
/// at least a topic and an envelope that contains it.
constexpr std::uint64_t kLongestHandshake = 64 + 28;

/// The same with CURVE: the greeting; WELCOME, which whoever knows the server's key is sent before
/// its own is looked at; and READY. Nobody of ZMTP 2 is let in there. Source:
/// rfc.zeromq.org/spec/26.
constexpr std::uint64_t kLongestCurveHandshake = 64 + 170 + 52;

}  // namespace

bool Traffic::is_silent() const { return taken > 0 && received < kShortestGreeting; }

bool Traffic::is_without_messages(bool has_curve) const {
  return taken <= (has_curve ? kLongestCurveHandshake : kLongestHandshake);
}

std::optional<Traffic> traffic_of(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
    return std::nullopt;
  return Traffic{.received = info.tcpi_bytes_received, .taken = info.tcpi_bytes_acked};
}

std::uint64_t unsent_bytes(int descriptor) {
  int bytes = 0;
  return ioctl(descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes)
                                                               : 0;
}

}  // namespace bpx::bridge
