#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace bpx::bridge {

struct Resolved {
  std::vector<boost::asio::ip::tcp::endpoint> endpoints;  ///< in the order to try; empty on failure
  std::string error;                                      ///< why, where there are none
};

/// Looks `host` (a name or an address) up. Unlike Asio's resolver it can be abandoned: cancelling
/// the coroutine returns at once although the system's look-up, which cannot be interrupted, goes
/// on for a while on a thread of its own. So neither a deadline nor a shutdown waits for a dead
/// name server.
boost::asio::awaitable<Resolved> resolve(std::string host, std::uint16_t port);

}  // namespace bpx::bridge
