#pragma once

#include <cstdint>
#include <string>

namespace bpx::bridge {

/// Whom to talk to.
struct Site {
  bool is_tls = true;
  std::string host;  ///< name or address, IPv6 without brackets
  std::uint16_t port = 443;
};

/// An HTTP proxy that has to be passed on the way.
struct Proxy {
  std::string host;  ///< likewise
  std::uint16_t port = 0;
  std::string credentials;  ///< `USER:PASSWORD`, secret; empty: none
};

/// `HOST:PORT`, IPv6 addresses in brackets.
inline std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

/// The Host field of an HTTP request: without the port where it is the scheme's own (RFC
/// 9110, 7.2).
inline std::string host_field(const Site& site) {
  constexpr std::uint16_t kHttps = 443, kHttp = 80;
  const auto field = host_and_port(site.host, site.port);
  return site.port == (site.is_tls ? kHttps : kHttp) ? field.substr(0, field.rfind(':')) : field;
}

}  // namespace bpx::bridge
