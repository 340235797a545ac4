#include "bridge/config/endpoint.hpp"

#include <boost/asio/ip/address.hpp>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <system_error>

#include <netinet/in.h>

namespace bpx::bridge {
namespace {

bool is_loopback_address(std::string_view host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

bool is_loopback_host(std::string_view host) {
  return host == "localhost" || is_loopback_address(host);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end ? std::optional(port) : std::nullopt;
}

struct Halves {
  std::string_view host, port;
};

/// Splits `HOST:PORT` or `[IPv6]:PORT`.
std::optional<Halves> split_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
  if (is_bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return std::nullopt;
  return Halves{host, text.substr(colon + 1)};
}

constexpr std::uint16_t kHttpPort = 80, kHttpsPort = 443;

/// Cuts `SCHEME://` off and returns SCHEME; empty where there is none.
std::string_view cut_scheme(std::string_view& url) {
  constexpr std::string_view kEnd = "://";
  const auto end = url.find(kEnd);
  if (end == std::string_view::npos) return {};
  const auto scheme = url.substr(0, end);
  url.remove_prefix(end + kEnd.size());
  return scheme;
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t kMost = 253;  // RFC 1035
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !text.empty() && text.size() <= kMost && std::ranges::all_of(text, fits);
}

/// Without a zone.
bool is_ipv6(std::string_view text) {
  boost::system::error_code error;
  boost::asio::ip::make_address_v6(std::string(text), error);
  return !error && text.find('%') == std::string_view::npos;
}

/// Path and query as they can stand in a request.
bool is_target(std::string_view text) {
  for (; !text.empty(); text.remove_prefix(1)) {
    const auto c = static_cast<unsigned char>(text.front());
    if (c <= ' ' || c >= 0x7f || c == '#' || (c == '%' && !parse_escape(text))) return false;
  }
  return true;
}

constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kIpc = "ipc://";

/// The IPv4 address of the interface called `name`, which is the one that ZeroMQ binds; unspecified
/// where it has none.
boost::asio::ip::address_v4 address_of_interface(const std::string& name) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (name != entry->ifa_name || entry->ifa_addr == nullptr ||
        entry->ifa_addr->sa_family != AF_INET)
      continue;
    const auto* const found = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
    return boost::asio::ip::address_v4(ntohl(found->sin_addr.s_addr));
  }
  return {};
}

/// In one spelling: what no address is stays as it is.
std::string canonical_host(const std::string& host) {
  namespace ip = boost::asio::ip;
  if (host == "*") return ip::address_v4::any().to_string();
  boost::system::error_code not_an_address;
  const auto address = ip::make_address(host, not_an_address);
  if (not_an_address) {
    const auto found = address_of_interface(host);
    return found.is_unspecified() ? host : found.to_string();
  }
  const bool is_mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  return is_mapped ? ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string()
                   : address.to_string();
}

/// Without links, doubled slashes and dots, as far as it exists.
std::string canonical_path(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto absolute = fs::absolute(path, error);
  if (error) return path;
  const auto canonical = fs::weakly_canonical(absolute, error);
  return (error ? absolute.lexically_normal() : canonical).string();
}

}  // namespace

std::optional<char> parse_escape(std::string_view text) {
  constexpr std::size_t kSize = 3;
  std::uint8_t value = 0;
  if (text.size() < kSize || text.front() != '%') return std::nullopt;
  const auto* const end = text.data() + kSize;
  const auto [rest, error] = std::from_chars(text.data() + 1, end, value, 16);
  if (error != std::errc{} || rest != end || value < ' ' || value == 0x7f) return std::nullopt;
  return static_cast<char>(value);
}

std::optional<HostAndPort> parse_authority(std::string_view text,
                                           std::optional<std::uint16_t> default_port) {
  std::string_view host, rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return std::nullopt;
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
    if (!is_host_name(host)) return std::nullopt;
  }
  auto port = default_port;
  if (!rest.empty()) port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (port.value_or(0) == 0) return std::nullopt;
  return HostAndPort{.host = std::string(host), .port = *port};
}

bool HostAndPort::is_loopback() const { return is_loopback_address(host); }

bool ExchangeUrl::is_loopback() const { return is_loopback_host(host); }

std::optional<ExchangeUrl> parse_exchange_url(std::string_view text,
                                              std::string_view secure_scheme) {
  ExchangeUrl url;
  const auto scheme = cut_scheme(text);
  url.is_tls = scheme == secure_scheme;
  if (!url.is_tls && scheme != secure_scheme.substr(0, secure_scheme.size() - 1))
    return std::nullopt;
  const auto authority = text.substr(0, text.find_first_of("/?#"));
  const auto address = parse_authority(authority, url.is_tls ? kHttpsPort : kHttpPort);
  const auto target = text.substr(authority.size());
  if (!address || !is_target(target)) return std::nullopt;
  url.host = address->host;
  url.port = address->port;
  if (!target.empty()) url.target = std::string(target.front() == '/' ? "" : "/").append(target);
  return url;
}

bool BindAddress::can_be_bound() const {
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  return is_ipc || host == "*" || !not_an_address || if_nametoindex(host.c_str()) != 0;
}

bool BindAddress::can_be_connected_to() const {
  if (is_ipc) return path != "*";
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  return parse_port(port).value_or(0) != 0 && (!not_an_address || is_host_name(host));
}

bool BindAddress::is_local() const { return is_ipc || host == "lo" || is_loopback_host(host); }

bool BindAddress::is_chosen_by_system() const {
  return is_ipc ? path == "*" : port == "*" || parse_port(port) == 0;
}

std::string BindAddress::place() const {
  if (is_ipc) return std::string(kIpc) + (is_abstract ? path : canonical_path(path));
  const auto number = parse_port(port);
  return std::string(kTcp) + canonical_host(host) + ' ' + (number ? std::to_string(*number) : port);
}

bool is_ipc_path_too_long(std::string_view text) {
  return text.starts_with(kIpc) && text.size() - kIpc.size() > kMaxIpcPath;
}

std::optional<BindAddress> parse_zmq_endpoint(std::string_view text) {
  if (text.starts_with(kIpc)) {
    const auto path = text.substr(kIpc.size());
    const bool is_printable = std::ranges::none_of(path, [](char c) { return c >= 0 && c < ' '; });
    if (path.empty() || path.size() > kMaxIpcPath || !is_printable) return std::nullopt;
    return BindAddress{.is_ipc = true,
                       .is_abstract = path.starts_with('@'),
                       .path = std::string(path),
                       .host = {},
                       .port = {}};
  }
  if (!text.starts_with(kTcp)) return std::nullopt;
  const auto parts = split_host_port(text.substr(kTcp.size()));
  if (!parts || (parts->port != "*" && !parse_port(parts->port))) return std::nullopt;
  return BindAddress{.is_ipc = false,
                     .is_abstract = false,
                     .path = {},
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
