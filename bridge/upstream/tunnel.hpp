#pragma once

#include "bridge/upstream/site.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace bpx::bridge {

/// Asks the HTTP proxy at the other end of `socket` for a way to `site` (CONNECT). Returns what is
/// wrong and what to do; empty where the way is open. Without a deadline of its own.
boost::asio::awaitable<std::string> open_tunnel(boost::asio::ip::tcp::socket& socket,
                                                const Proxy& proxy, const Site& site);

}  // namespace bpx::bridge
