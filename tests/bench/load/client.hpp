#pragma once

#include "tests/bench/load/pace.hpp"
#include "tests/bench/load/repertoire.hpp"
#include "tests/exchange/http_session.hpp"
#include "tests/exchange/transport.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bench {

/// What every client is told.
struct Programme {
  Repertoire repertoire;
  Pace measured;
  bool is_apart = false;  ///< what is measured goes out a TLS record each, not a burst in one
  Pace filler;
  std::uint64_t measured_before = 0;          ///< numbers that earlier paces used up
  std::uint64_t said = 0;                     ///< messages of any kind
  std::uint64_t measured_bytes = 0;           ///< of the messages of this pace
  std::function<void()> on_measured = [] {};  ///< the last message of a pace has been written
};

/// One WebSocket that is written to as fast as the programme says and the client reads. Frames go
/// out as they were encoded beforehand, many in one TLS write where many are due at once and the
/// programme does not want them apart; only where deflate was negotiated each takes its way through
/// Beast. One thread.
class Client : public std::enable_shared_from_this<Client> {
 public:
  /// `connection` counts from 1.
  Client(std::uint64_t connection, std::shared_ptr<exchange::Transport> transport,
         Programme& programme, bool deflate);

  /// Answers `upgrade` and lives until the connection ends.
  boost::asio::awaitable<void> run(exchange::BeastRequest upgrade);

  /// The programme has changed.
  void wake() { due_.cancel(); }
  void drop();

  /// Whether both sides have agreed on it.
  bool deflates() const { return deflates_; }

 private:
  boost::asio::awaitable<void> read();
  boost::asio::awaitable<void> write();
  boost::asio::awaitable<bool> say_measured(std::uint64_t due);
  boost::asio::awaitable<bool> say_filler(std::uint64_t due);
  boost::asio::awaitable<bool> greet();
  template <typename Next>
  boost::asio::awaitable<bool> say(std::uint64_t count, Next next);
  void on_request(std::string_view text);

  std::uint64_t connection_;
  Programme& programme_;
  std::shared_ptr<exchange::Transport> transport_;
  boost::beast::websocket::stream<exchange::Transport&> socket_;
  boost::asio::steady_timer due_;
  std::vector<std::string> greetings_;  ///< streams that have just been subscribed to
  bool deflates_ = false;
  bool has_ended_ = false;
};

}  // namespace bpx::bench
