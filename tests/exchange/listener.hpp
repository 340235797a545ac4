#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace bpx::exchange {

/// A port that accepts connections, and can stop doing so for a time without giving the port up.
/// Lives on the loop, and longer than the loop runs.
class Listener {
 public:
  using Clock = std::chrono::steady_clock;
  using OnAccept = std::function<void(boost::asio::ip::tcp::socket)>;

  /// Listens when constructed. Throws std::system_error with the endpoint where it cannot.
  Listener(boost::asio::io_context& loop, const std::string& address, std::uint16_t port,
           OnAccept on_accept);

  std::uint16_t port() const { return endpoint_.port(); }

  /// Until then connections are refused, those not yet accepted included.
  void refuse(Clock::time_point until);
  /// Whoever connects from now on is let in.
  void accept_again();
  bool refuses() const { return Clock::now() < refuses_until_; }
  void stop();

 private:
  void open();
  void listen();
  boost::asio::awaitable<void> accept();

  boost::asio::ip::tcp::endpoint endpoint_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer opening_;
  OnAccept on_accept_;
  Clock::time_point refuses_until_ = Clock::time_point::min();
  bool listening_ = false;
  bool stopped_ = false;
};

}  // namespace bpx::exchange
