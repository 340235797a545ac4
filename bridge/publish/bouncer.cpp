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
      held_(::fcntl(nothing_, F_DUPFD_CLOEXEC, 0)) {
  if (held_ >= 0) return;
  if (nothing_ >= 0) ::close(nothing_);
  throw StartupError("no file descriptor is left; raise the limit (LimitNOFILE, ulimit -n)");
}

Bouncer::~Bouncer() {
  ::close(held_);
  ::close(nothing_);
}

void Bouncer::watch(int listener) {
  // libzmq would wait for the next connection if one that it has been told of is taken by another.
  ::fcntl(listener, F_SETFL, ::fcntl(listener, F_GETFL) | O_NONBLOCK);
  listeners_.push_back(listener);
  listening_.push_back(local_address(listener));
}

bool Bouncer::turn_away_one() {
  ::close(held_);  // which makes room for one
  int accepted = -1;
  for (const int listener : listeners_)
    if (accepted < 0) accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ::close(accepted);
  held_ = ::fcntl(nothing_, F_DUPFD_CLOEXEC, 0);
  return accepted >= 0;
}

void Bouncer::show_out(int connection) {
  if (::dup3(connection, held_, O_CLOEXEC) < 0) return;  // it has gone by itself
  if (is_ours(local_address(held_))) ::shutdown(held_, SHUT_RDWR);
  ::dup3(nothing_, held_, O_CLOEXEC);  // else it would stay open for as long as we hold it
}

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
