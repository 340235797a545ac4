#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace bpx::bridge {

/// How long one step may take: getting through to a server, a question, writing to its socket.
constexpr std::chrono::milliseconds kNatsPatience{2'000};

/// A server: `nats://HOST:PORT` or `tls://HOST:PORT`, taken apart.
struct NatsServer {
  std::string url;
  std::string host;
  std::uint16_t port = 0;
  bool is_tls = false;
};

struct NatsAccess {
  std::string ca_file;           ///< PEM; empty: the system's trust anchors alone
  std::string credentials_file;  ///< as `nsc` makes it; empty: none
};

struct NatsFault {
  std::string cause;  ///< for a person
};

}  // namespace bpx::bridge
