#pragma once

#include "tests/exchange/wire.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace bpx::exchange {

/// A client's byte stream: TLS over TCP, or TCP alone. An Asio AsyncStream for Beast to speak HTTP
/// and WebSocket over. One thread.
///
/// Two things it adds. Corked, it keeps what is written, and the first write after uncorking sends
/// all of it at once: many WebSocket messages cost one TLS record and one system call. And it lets
/// a connection misbehave below what Beast would do by itself. Held by shared pointers alone.
class Transport : public std::enable_shared_from_this<Transport> {
 public:
  using executor_type = boost::asio::any_io_executor;
  using Clock = Wire::Clock;
  using Error = boost::system::error_code;

  /// `tls` null: plain. It is used up to the end of the handshake.
  Transport(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);

  executor_type get_executor() { return wire_.get_executor(); }

  /// The TLS handshake, as server; nothing where the transport is plain.
  boost::asio::awaitable<Error> handshake();

  void cork() { corked_ = true; }
  void uncork() { corked_ = false; }
  /// Bytes that go before those of the next write, framed by nobody.
  void insert(std::string_view bytes);

  void trickle(Clock::duration per_byte, Clock::time_point until) {
    wire_.trickle(per_byte, until);
  }
  /// What arrives is withheld until `until`: pings stay unanswered.
  void deafen(Clock::time_point until);

  /// Makes the next write ask the client to negotiate TLS anew; nothing beyond TLS 1.2.
  void renegotiate();

  /// Ends TLS and sends FIN; both once what was written before is on its way.
  boost::asio::awaitable<Error> shut_down();
  /// Cuts the connection at once: by RST, or by FIN behind what has been sent. Idempotent.
  void drop(bool reset);
  /// Ends once the client has ended the connection too, or has taken too long. Until then the
  /// system delivers what was sent before drop(); of a connection that is closed it takes back what
  /// has not arrived yet, by RST, as soon as the client says anything.
  boost::asio::awaitable<void> see_off();
  /// Whatever may still be under way.
  void close();

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    boost::asio::mutable_buffer first;
    for (const boost::asio::mutable_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
      if (first.size() == 0) first = buffer;
    }
    return boost::asio::async_compose<Token, void(Error, std::size_t)>(Run{receive(first)}, token,
                                                                       wire_);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    std::size_t size = 0;
    for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
      const auto* bytes = static_cast<const char*>(buffer.data());
      unsent_.insert(unsent_.end(), bytes, bytes + buffer.size());
      size += buffer.size();
    }
    return boost::asio::async_compose<Token, void(Error, std::size_t)>(Write{*this, size}, token,
                                                                       wire_);
  }

 private:
  struct Transferred {
    Error error;
    std::size_t bytes = 0;
  };

  /// Lets a coroutine complete an operation. Coroutines keep the many types of Beast's handlers out
  /// of the TLS machinery, which would be compiled anew for each.
  struct Run {
    boost::asio::awaitable<Transferred> work;

    template <class Self>
    void operator()(Self& self) {
      const executor_type executor = self.get_executor();
      auto started = std::move(work);
      boost::asio::co_spawn(executor, std::move(started), std::move(self));
    }
    template <class Self>
    void operator()(Self& self, const std::exception_ptr& failure, Transferred result) {
      if (failure) std::rethrow_exception(failure);
      self.complete(result.error, result.bytes);
    }
  };

  struct Write {
    Transport& transport;
    std::size_t size;
    bool kept = false;

    template <class Self>
    void operator()(Self& self) {
      if (kept) return self.complete({}, size);
      const executor_type executor = self.get_executor();
      if (transport.corked_) {
        kept = true;
        boost::asio::post(executor, std::move(self));
      } else {
        boost::asio::co_spawn(executor, transport.send_unsent(size), std::move(self));
      }
    }
    template <class Self>
    void operator()(Self& self, const std::exception_ptr& failure, Transferred result) {
      if (failure) std::rethrow_exception(failure);
      self.complete(result.error, result.bytes);
    }
  };

  boost::asio::awaitable<Transferred> receive(boost::asio::mutable_buffer buffer);
  /// Sends all that is unsent; says `size`, the part of it that the caller has just added.
  boost::asio::awaitable<Transferred> send_unsent(std::size_t size);

  Wire wire_;
  std::optional<boost::asio::ssl::stream<Wire&>> tls_;
  boost::asio::ip::tcp::socket dropped_;  // the wire's, once FIN is all that is left to send
  boost::asio::steady_timer hearing_;
  Clock::time_point deaf_until_ = Clock::time_point::min();
  bool corked_ = false;
  std::vector<char> unsent_;
  std::vector<char> sending_;  // by the one write in progress
};

/// How Beast ends a WebSocket's transport: after the closing handshake, and on its own timeouts.
template <class Token>
void async_teardown(boost::beast::role_type, Transport& transport, Token&& token) {
  boost::asio::co_spawn(transport.get_executor(), transport.shut_down(),
                        [token = std::forward<Token>(token)](const std::exception_ptr& failure,
                                                             Transport::Error error) mutable {
                          if (failure) std::rethrow_exception(failure);
                          std::move(token)(error);
                        });
}
inline void beast_close_socket(Transport& transport) { transport.drop(false); }

}  // namespace bpx::exchange
