#include "bridge/publish/bouncer.hpp"

#include "bridge/startup_error.hpp"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

const sockaddr_in& as_ipv4(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr_in&>(address);
}

const sockaddr_in6& as_ipv6(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr_in6&>(address);
}

bool is_wildcard(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) return as_ipv4(address).sin_addr.s_addr == INADDR_ANY;
  if (address.ss_family == AF_INET6) return IN6_IS_ADDR_UNSPECIFIED(&as_ipv6(address).sin6_addr);
  return false;
}

/// At the same offset for both.
in_port_t port_of(const sockaddr_storage& address) { return as_ipv4(address).sin_port; }

}  // namespace

Bouncer::Bouncer()
    : nothing_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      held_(another_of_nothing()),
      spare_(another_of_nothing()) {
  if (spare_ >= 0) return;
  for (const int descriptor : {held_, nothing_})
    if (descriptor >= 0) ::close(descriptor);
  throw StartupError("no file descriptor is left; raise the limit (LimitNOFILE, ulimit -n)");
}

Bouncer::~Bouncer() {
  for (const int descriptor : {spare_, held_, nothing_})
    if (descriptor >= 0) ::close(descriptor);
}

void Bouncer::watch(int listener) {
  // libzmq would wait for the next connection if one that it has been told of is taken by another.
  ::fcntl(listener, F_SETFL, ::fcntl(listener, F_GETFL) | O_NONBLOCK);
  listeners_.push_back(listener);
  listening_.push_back(local_address(listener));
}

std::optional<PeerAddress> Bouncer::turn_away_one() {
  if (spare_ >= 0) ::close(spare_);
  spare_ = -1;
  int accepted = -1;
  for (const int listener : listeners_)
    if (accepted < 0) accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted < 0) {
    spare_ = another_of_nothing();
    return std::nullopt;
  }
  auto peer = peer_address(accepted);
  // Which ends the connection, and leaves nobody a moment to take the descriptor.
  ::dup3(nothing_, accepted, O_CLOEXEC);
  spare_ = accepted;
  return peer;
}

std::optional<PeerAddress> Bouncer::show_out(int connection, const PeerAddress& peer) {
  if (::dup3(connection, held_, O_CLOEXEC) < 0) return std::nullopt;  // it has gone by itself
  auto ended = end_held(peer);
  ::dup3(nothing_, held_, O_CLOEXEC);  // else it would stay open for as long as we hold it
  return ended;
}

std::optional<PeerAddress> Bouncer::end_held(const PeerAddress& expected) const {
  if (!is_ours(local_address(held_))) return std::nullopt;
  auto peer = peer_address(held_);
  if (!expected.host.empty() && peer != expected) return std::nullopt;
  ::shutdown(held_, SHUT_RDWR);
  return peer;
}

int Bouncer::another_of_nothing() const { return ::fcntl(nothing_, F_DUPFD_CLOEXEC, 0); }

Bouncer::Address Bouncer::local_address(int descriptor) {
  Address address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address.bytes), &address.size) != 0)
    address.size = 0;
  return address;
}

/// Nothing of ours has a local address that listeners of libzmq's have, but what they accepted.
bool Bouncer::is_ours(const Address& local) const {
  return local.size > 0 && std::ranges::any_of(listening_, [&](const Address& listener) {
           if (is_wildcard(listener.bytes))
             return local.bytes.ss_family == listener.bytes.ss_family &&
                    port_of(local.bytes) == port_of(listener.bytes);
           return local.size == listener.size &&
                  std::memcmp(&local.bytes, &listener.bytes, local.size) == 0;
         });
}

}  // namespace bpx::bridge
