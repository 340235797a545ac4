#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <optional>
#include <vector>

namespace bpx::bridge {

/// The first connection that was made, or why there is none.
struct Raced {
  std::optional<boost::asio::ip::tcp::socket> socket;
  boost::asio::ip::tcp::endpoint address;  ///< that it leads to
  boost::system::error_code error;         ///< of the last attempt, where there is none
};

/// Connects to whichever of `addresses` answers first (RFC 8305, section 5): each is tried as soon
/// as the one before has failed, or has had 250 ms. All other attempts are given up. Without a
/// deadline of its own.
boost::asio::awaitable<Raced> race(std::vector<boost::asio::ip::tcp::endpoint> addresses);

}  // namespace bpx::bridge
