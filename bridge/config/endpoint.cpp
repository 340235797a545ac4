#include "bridge/config/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <net/if.h>

#include <algorithm>
#include <charconv>

namespace bpx::bridge {
namespace {

namespace urls = boost::urls;

bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end ? std::optional(port) : std::nullopt;
}

struct HostAndPort {
  std::string_view host, port;
};

/// Splits `HOST:PORT` or `[IPv6]:PORT`.
std::optional<HostAndPort> split_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return std::nullopt;
  if (host.empty()) return std::nullopt;
  return HostAndPort{host, text.substr(colon + 1)};
}

constexpr std::size_t kMaxIpcPath = 107;  // sockaddr_un::sun_path without its end mark

}  // namespace

bool ExchangeUrl::is_loopback() const { return is_loopback_host(host); }

std::optional<ExchangeUrl> parse_exchange_url(std::string_view text,
                                              std::string_view secure_scheme) {
  const auto parsed = urls::parse_uri({text.data(), text.size()});
  if (!parsed || parsed->has_userinfo() || parsed->has_fragment()) return std::nullopt;
  const auto scheme = std::string_view(parsed->scheme().data(), parsed->scheme().size());
  ExchangeUrl url;
  url.is_tls = scheme == secure_scheme;
  if (!url.is_tls && scheme != secure_scheme.substr(0, secure_scheme.size() - 1))
    return std::nullopt;
  url.host = std::string(parsed->host_address());
  if (url.host.empty()) return std::nullopt;
  url.port = url.is_tls ? 443 : 80;
  if (parsed->has_port()) {
    const auto port = parse_port({parsed->port().data(), parsed->port().size()});
    if (!port || *port == 0) return std::nullopt;
    url.port = *port;
  }
  if (const auto target = std::string(parsed->encoded_target()); !target.empty())
    url.target = target.front() == '/' ? target : '/' + target;
  return url;
}

bool BindAddress::can_be_bound() const {
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  return is_ipc || host == "*" || !not_an_address || if_nametoindex(host.c_str()) != 0;
}

bool BindAddress::is_local() const { return is_ipc || host == "lo" || is_loopback_host(host); }

std::optional<BindAddress> parse_zmq_endpoint(std::string_view text) {
  constexpr std::string_view kTcp = "tcp://";
  constexpr std::string_view kIpc = "ipc://";
  if (text.starts_with(kIpc)) {
    const auto path = text.substr(kIpc.size());
    const bool is_printable = std::ranges::none_of(path, [](char c) { return c >= 0 && c < ' '; });
    if (path.empty() || path.size() > kMaxIpcPath || !is_printable) return std::nullopt;
    return BindAddress{
        .is_ipc = true, .is_abstract = path.starts_with('@'), .host = {}, .port = {}};
  }
  if (!text.starts_with(kTcp)) return std::nullopt;
  const auto parts = split_host_port(text.substr(kTcp.size()));
  if (!parts || (parts->port != "*" && !parse_port(parts->port))) return std::nullopt;
  return BindAddress{.is_ipc = false,
                     .is_abstract = false,
                     .host = std::string(parts->host),
                     .port = std::string(parts->port)};
}

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  const auto parts = split_host_port(text);
  if (!parts) return std::nullopt;
  const auto port = parse_port(parts->port);
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(parts->host), error);
  if (!port || error) return std::nullopt;
  return SocketAddress{.host = std::string(parts->host), .port = *port};
}

}  // namespace bpx::bridge
