#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/endpoint.hpp"
#include "bridge/config/environment.hpp"
#include "bridge/config/problem.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// An HTTP proxy, taken apart.
struct ProxyUrl {
  std::string host;  ///< name or address, IPv6 without brackets
  std::uint16_t port = 0;
  std::string credentials;  ///< `USER:PASSWORD`, secret; empty: none
};

/// What the environment says of proxies.
struct ProxyEnvironment {
  std::string https_proxy;  ///< secret, as it may hold a password
  std::string no_proxy;

  /// As curl reads it: names in small letters win over those in capitals.
  static ProxyEnvironment of(const Environment& environment);
};

/// Parses `http://[USER[:PASSWORD]@]HOST:PORT`, user and password with percent-escapes; nullopt for
/// anything else.
std::optional<ProxyUrl> parse_proxy_url(std::string_view text);

/// The proxy on the way to `url`: the one of upstream.proxy, or that of the environment where that
/// is empty. None without TLS, which leads to this machine.
std::optional<ProxyUrl> proxy_for(const ExchangeUrl& url, std::string_view setting,
                                  const ProxyEnvironment& environment);

/// Notes where the environment names a proxy that would have to be used and cannot be.
void check_proxy_environment(const Config& config, const ProxyEnvironment& environment,
                             Problems& problems);

/// `text` with `***` for whatever stands before an @ as the credentials of a URL.
std::string without_credentials(std::string text);

}  // namespace bpx::bridge
