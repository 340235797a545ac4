#pragma once

#include <cstdint>
#include <string>

namespace bpx::bridge {

/// The Host field of an HTTP request: IPv6 addresses in brackets, the port unless it is the
/// scheme's own (RFC 9110, 7.2).
inline std::string host_field(const std::string& host, std::uint16_t port, bool is_tls) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  const auto name = is_ipv6 ? '[' + host + ']' : host;
  const int default_port = is_tls ? 443 : 80;
  return port == default_port ? name : name + ':' + std::to_string(port);
}

}  // namespace bpx::bridge
