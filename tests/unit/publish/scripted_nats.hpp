#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace bpx::test {

/// The server's end of a connection to it, which blocks. What goes wrong throws.
class NatsPeer {
 public:
  explicit NatsPeer(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  void say(std::string_view text) { boost::asio::write(socket_, boost::asio::buffer(text)); }

  /// What has come up to and with `end`; empty where the connection ended before.
  std::string hear(std::string_view end) {
    boost::system::error_code error;
    const auto size =
        boost::asio::read_until(socket_, boost::asio::dynamic_buffer(heard_), end, error);
    if (error) return {};
    auto text = heard_.substr(0, size);
    heard_.erase(0, size);
    return text;
  }

  /// As a server does whom nothing troubles. Returns what the client said of itself.
  std::string greet(std::string_view info = R"({"headers":true,"max_payload":1048576})") {
    say("INFO " + std::string(info) + "\r\n");
    auto introduction = hear("PING\r\n");
    say("PONG\r\n");
    return introduction;
  }

  /// Until the client has gone.
  void wait_for_end() {
    while (!hear("\n").empty()) {
    }
  }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::string heard_;
};

/// Takes one connection, on a thread of its own, and does with it what is wanted. The client has
/// to be gone when this ends.
class ScriptedNats {
 public:
  explicit ScriptedNats(std::function<void(NatsPeer&)> script)
      : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}),
        port_(acceptor_.local_endpoint().port()),
        thread_([this, script = std::move(script)] {
          NatsPeer peer(acceptor_.accept());
          script(peer);
        }) {}

  std::uint16_t port() const { return port_; }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::jthread thread_;
};

}  // namespace bpx::test
