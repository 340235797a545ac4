#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Where an exchange is: `wss://ws.backpack.exchange`, taken apart.
struct ExchangeUrl {
  bool is_tls = true;
  std::string host;  ///< name or address, IPv6 without brackets
  std::uint16_t port = 443;
  std::string target = "/";  ///< path and query

  bool is_loopback() const;
};

/// Parses `text`, whose scheme must be `secure_scheme` or the one without TLS (`wss` or `ws`,
/// `https` or `http`). nullopt for anything else, and for user names, passwords and fragments.
std::optional<ExchangeUrl> parse_exchange_url(std::string_view text,
                                              std::string_view secure_scheme);

struct HostAndPort {
  std::string host;  ///< likewise
  std::uint16_t port = 0;

  /// By its address. Where a name leads, localhost too, is only known when it is dialled.
  bool is_loopback() const;
};

/// Parses `HOST:PORT`, an IPv6 address in brackets, or `HOST` where there is a `default_port`. All
/// of `text`: a name may begin like an address.
std::optional<HostAndPort> parse_authority(std::string_view text,
                                           std::optional<std::uint16_t> default_port);

/// The character that `text` begins with as a percent-escape; nullopt where it begins with none, or
/// with that of a control character.
std::optional<char> parse_escape(std::string_view text);

/// An address to listen on, or a path: what stands behind `tcp://` or `ipc://`.
struct BindAddress {
  bool is_ipc = false;
  bool is_abstract = false;  ///< ipc without a file (`ipc://@NAME`): no permissions guard it
  std::string path;          ///< of ipc
  std::string host;          ///< of tcp: address, interface name or `*`; IPv6 without brackets
  std::string port;          ///< of tcp: a number, or `*` for one that the system chooses

  bool is_chosen_by_system() const;  ///< so that no other can mean the same

  /// What is bound, however it is written: two of the same place cannot both be had. Follows links
  /// and looks up interfaces as they are now.
  std::string place() const;

  /// Whether it can be bound at all: ZeroMQ looks no names up, so `host` must be a numeric address,
  /// an interface of this machine or `*`.
  bool can_be_bound() const;

  /// Whether it can be where somebody else listens: of tcp an address, or a name to look up, and a
  /// port.
  bool can_be_connected_to() const;

  /// Whether only this machine can reach it.
  bool is_local() const;
};

/// The longest path of a socket, in bytes: sockaddr_un::sun_path without its end mark.
inline constexpr std::size_t kMaxIpcPath = 107;

/// Whether `text` is `ipc://PATH` with a PATH that no socket can have.
bool is_ipc_path_too_long(std::string_view text);

/// Parses a ZeroMQ endpoint, `tcp://ADDRESS:PORT` or `ipc://PATH`; nullopt for anything else.
std::optional<BindAddress> parse_zmq_endpoint(std::string_view text);

/// An address and a port to listen on, as in `127.0.0.1:9464` or `[::1]:9464`.
struct SocketAddress {
  std::string host;
  std::uint16_t port = 0;
};

/// Parses `ADDRESS:PORT`, both numeric; nullopt for anything else.
std::optional<SocketAddress> parse_socket_address(std::string_view text);

}  // namespace bpx::bridge
