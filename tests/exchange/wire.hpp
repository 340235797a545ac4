#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace bpx::exchange {

/// A TCP socket that can be made to trickle: to send one byte, wait, and send the next. An Asio
/// AsyncStream, to lie beneath TLS. One thread.
class Wire {
 public:
  using executor_type = boost::asio::any_io_executor;
  using lowest_layer_type = boost::asio::ip::tcp::socket::lowest_layer_type;
  using Clock = std::chrono::steady_clock;

  explicit Wire(boost::asio::ip::tcp::socket socket)
      : socket_(std::move(socket)),
        pace_(socket_.get_executor()),
        written_(pace_.get_executor(), Clock::time_point::max()) {}

  executor_type get_executor() { return socket_.get_executor(); }
  lowest_layer_type& lowest_layer() { return socket_.lowest_layer(); }
  boost::asio::ip::tcp::socket& socket() { return socket_; }

  /// From now until `until`, `per_byte` passes before each byte sent: on an average, where a busy
  /// machine comes too late for some.
  void trickle(Clock::duration per_byte, Clock::time_point until) {
    per_byte_ = per_byte;
    due_ = Clock::now();
    trickles_until_ = until;
    pace_.cancel();
  }

  /// From now on what arrives is handed over only while nothing is being written. Of an alert that
  /// reading gives rise to, Asio's TLS would send nothing if it had to wait for another write.
  void alternate() { alternates_ = true; }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    pace_.cancel();
    written_.cancel();
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        Read<Buffers>{*this, buffers}, token, socket_);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        Write<Buffers>{*this, buffers}, token, socket_);
  }

 private:
  static constexpr std::chrono::seconds kMostCaughtUp{1};  ///< else a pause would earn a burst

  Clock::time_point next_due() {
    return due_ = std::max(due_, Clock::now() - kMostCaughtUp) + per_byte_;
  }

  template <class Buffers>
  struct Read {
    Wire& wire;
    Buffers buffers;
    enum class Step { begin, read, wait } step = Step::begin;
    boost::system::error_code result{};
    std::size_t received = 0;

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t bytes = 0) {
      switch (step) {
        case Step::begin:
          step = Step::read;
          wire.socket_.async_read_some(buffers, std::move(self));
          return;
        case Step::read:
          step = Step::wait;
          result = error;
          received = bytes;
          [[fallthrough]];
        case Step::wait:
          if (wire.alternates_ && wire.is_writing_ && wire.socket_.is_open())
            wire.written_.async_wait(std::move(self));
          else
            self.complete(result, received);
          return;
      }
    }
  };

  template <class Buffers>
  struct Write {
    Wire& wire;
    Buffers buffers;
    enum class Step { begin, send_byte, end } step = Step::begin;

    template <class Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t sent = 0) {
      switch (step) {
        case Step::begin:
          wire.is_writing_ = true;
          if (Clock::now() < wire.trickles_until_) {
            step = Step::send_byte;
            wire.pace_.expires_at(wire.next_due());
            wire.pace_.async_wait(std::move(self));
          } else {
            step = Step::end;
            wire.socket_.async_write_some(buffers, std::move(self));
          }
          return;
        case Step::send_byte:
          step = Step::end;
          wire.socket_.async_write_some(first_byte(), std::move(self));
          return;
        case Step::end:
          wire.is_writing_ = false;
          wire.written_.cancel();
          self.complete(error, sent);
          return;
      }
    }

    boost::asio::const_buffer first_byte() const {
      const auto end = boost::asio::buffer_sequence_end(buffers);
      for (auto next = boost::asio::buffer_sequence_begin(buffers); next != end; ++next) {
        const boost::asio::const_buffer buffer(*next);
        if (buffer.size() > 0) return boost::asio::buffer(buffer, 1);
      }
      return {};
    }
  };

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer pace_;
  boost::asio::steady_timer written_;  ///< never due: cancelled behind each write
  bool alternates_ = false;
  bool is_writing_ = false;
  Clock::duration per_byte_{};
  Clock::time_point due_{};  ///< of the byte before
  Clock::time_point trickles_until_ = Clock::time_point::min();
};

}  // namespace bpx::exchange
