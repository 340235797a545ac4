#include "bridge/host_addresses.hpp"

#include <cstring>
#include <memory>

#include <netdb.h>

namespace bpx::bridge {

HostAddresses look_up_host(const std::string& host, std::uint16_t port) {
  addrinfo* found = nullptr;
  const auto ask = [&](int flags) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags;
    return getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  };
  HostAddresses result;
  // An address is one, ::1 too, where only loopback is configured for its family.
  int error = ask(AI_NUMERICHOST);
  if (error != 0) error = ask(AI_ADDRCONFIG);
  if (error != 0) {
    result.error = gai_strerror(error);
    return result;
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
    HostAddress address;
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    address.size = entry->ai_addrlen;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    result.addresses.push_back(address);
  }
  if (result.addresses.empty()) result.error = "no address that is known here";
  return result;
}

}  // namespace bpx::bridge
