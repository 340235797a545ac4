#include "bridge/publish/jetstream_connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <variant>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

TEST(JetStreamConnection, TakesNothingThatWasSaidInTheClearForSaidInTls) {
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  tcp::socket peer(io);
  std::jthread server([&] {
    acceptor.accept(peer);
    asio::write(peer, asio::buffer(std::string("INFO {\"headers\":true}\r\nPONG\r\n")));
  });
  const auto port = std::to_string(acceptor.local_endpoint().port());
  const auto opened = JetStreamConnection::open(
      {.url = "tls://127.0.0.1:" + port, .host = "127.0.0.1", .is_tls = true}, {}, "backpack.");
  const auto* fault = std::get_if<NatsFault>(&opened);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(fault->cause, "it says more than it may before TLS");
}

}  // namespace
}  // namespace bpx::bridge
