#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>

namespace bpx::test {

/// A loopback port at which nobody listens, and nobody else can.
class ClosedPort {
 public:
  std::uint16_t port() const { return socket_.local_endpoint().port(); }

 private:
  boost::asio::io_context loop_{1};
  boost::asio::ip::tcp::socket socket_{loop_, {boost::asio::ip::address_v4::loopback(), 0}};
};

}  // namespace bpx::test
