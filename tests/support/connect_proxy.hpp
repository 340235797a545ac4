#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bpx::test {

/// An HTTP proxy on a loopback port, which understands CONNECT alone. Whatever host is asked for,
/// it connects to this machine, so that names need not exist.
class ConnectProxy {
 public:
  struct Manner {
    std::string authorization = {};  ///< to be given; whoever does not is answered with 407
    std::string refusal = {};        ///< answers everybody
    bool echoes = false;             ///< refuses everybody with what it was asked
    bool hangs = false;              ///< never answers
  };

  explicit ConnectProxy(Manner manner) : manner_(std::move(manner)) {
    boost::asio::co_spawn(loop_, accept(), boost::asio::detached);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ConnectProxy(const ConnectProxy&) = delete;
  ConnectProxy& operator=(const ConnectProxy&) = delete;
  ~ConnectProxy() {
    loop_.stop();
    thread_.join();
  }

  /// `credentials`: `USER:PASSWORD@`, or nothing.
  std::string url(const std::string& credentials = {}) const {
    return "http://" + credentials +
           "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

  /// The heads of all requests so far, one after the other.
  std::string requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  using Socket = boost::asio::ip::tcp::socket;
  static constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

  boost::asio::awaitable<void> accept() {
    for (;;) {
      auto [error, client] = co_await acceptor_.async_accept(kAsTuple);
      if (error) co_return;
      boost::asio::co_spawn(loop_, serve(std::move(client)), boost::asio::detached);
    }
  }

  boost::asio::awaitable<void> serve(Socket client) {
    using namespace boost::asio::experimental::awaitable_operators;
    std::string head;
    const auto [error, bytes] = co_await boost::asio::async_read_until(
        client, boost::asio::dynamic_buffer(head, 16'384), "\r\n\r\n", kAsTuple);
    if (error) co_return;
    {
      const std::lock_guard lock(mutex_);
      requests_ += head;
    }
    if (manner_.hangs) {
      std::array<char, 1> nothing{};
      co_await client.async_read_some(boost::asio::buffer(nothing), kAsTuple);  // until it leaves
      co_return;
    }
    const auto answer = answer_to(head);
    co_await boost::asio::async_write(client, boost::asio::buffer(answer), kAsTuple);
    if (!answer.starts_with(kGranted)) co_return;
    const auto begin = head.find(':') + 1;
    Socket target(loop_);
    const auto port = static_cast<std::uint16_t>(std::stoul(head.substr(begin)));
    const auto [refused] =
        co_await target.async_connect({boost::asio::ip::address_v4::loopback(), port}, kAsTuple);
    if (!refused) co_await (pump(client, target) || pump(target, client));
  }

  std::string answer_to(const std::string& head) const {
    if (!manner_.refusal.empty()) return manner_.refusal;
    if (manner_.echoes) return "HTTP/1.1 403 Forbidden\r\n\r\n" + head;
    const auto wanted = "\r\nProxy-Authorization: " + manner_.authorization + "\r\n";
    if (!manner_.authorization.empty() && head.find(wanted) == std::string::npos)
      return "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
             "Content-Length: 0\r\n\r\n";
    return std::string(kGranted) + " Connection established\r\n\r\n";
  }

  static boost::asio::awaitable<void> pump(Socket& from, Socket& to) {
    std::array<char, 65'536> bytes{};
    for (;;) {
      const auto [error, size] =
          co_await from.async_read_some(boost::asio::buffer(bytes), kAsTuple);
      if (error) co_return;
      const auto [unsent, sent] =
          co_await boost::asio::async_write(to, boost::asio::buffer(bytes.data(), size), kAsTuple);
      if (unsent) co_return;
    }
  }

  static constexpr std::string_view kGranted = "HTTP/1.1 200";

  Manner manner_;
  mutable std::mutex mutex_;
  std::string requests_;
  boost::asio::io_context loop_{1};
  boost::asio::ip::tcp::acceptor acceptor_{loop_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

}  // namespace bpx::test
