#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace bpx::bridge {

/// As connect() takes it: address and port.
struct HostAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

struct HostAddresses {
  std::vector<HostAddress> addresses;  ///< in the system's order, none on failure
  std::string error;                   ///< why, where there are none
};

/// Looks a name or an address up, for TCP. Waits for as long as the system's look-up does, which
/// nothing interrupts: a name server that is silent takes half a minute and more. Any thread.
HostAddresses look_up_host(const std::string& host, std::uint16_t port);

}  // namespace bpx::bridge
