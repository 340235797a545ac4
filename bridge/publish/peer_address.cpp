#include "bridge/publish/peer_address.hpp"

#include <array>

#include <netdb.h>
#include <sys/socket.h>

namespace bpx::bridge {
namespace {

std::string user_of(int descriptor) {
  ucred user{};
  socklen_t size = sizeof user;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &user, &size) != 0) return {};
  return "localhost:" + std::to_string(user.uid) + ':' + std::to_string(user.gid) + ':' +
         std::to_string(user.pid);
}

}  // namespace

std::string PeerAddress::text() const {
  if (host.empty()) return "unknown";
  if (port.empty()) return host;
  return (host.find(':') == host.npos ? host : '[' + host + ']') + ':' + port;
}

PeerAddress peer_address(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const peer = reinterpret_cast<sockaddr*>(&address);
  if (getpeername(descriptor, peer, &size) != 0) return {};
  if (peer->sa_family == AF_UNIX) return {user_of(descriptor), {}};
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getnameinfo(peer, size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  return {host.data(), port.data()};
}

}  // namespace bpx::bridge
