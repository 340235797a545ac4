#pragma once

#include "bridge/clock.hpp"
#include "bridge/observe/vocabulary.hpp"
#include "bridge/upstream/connect_failure.hpp"
#include "bridge/upstream/dialler.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bpx::bridge {

class TlsContext;

struct Disconnect {
  DisconnectReason reason = DisconnectReason::reset;
  std::string detail;
  std::uint16_t code = 0;  ///< of the exchange's Close frame; 0 where it had none
};

/// Takes what arrives. Called on the connection's thread.
class MessageReceiver {
 public:
  /// One whole message, which had been read at `received`. It is followed by
  /// EnvelopeReader::kPadding readable bytes and valid during the call.
  virtual void on_message(std::string_view message, const Moment& received) = 0;
  /// Most likely `message` is the one after the next, and comes right behind it: what it will touch
  /// can be fetched meanwhile. Valid during the call.
  virtual void on_message_in_sight(std::string_view message) = 0;
  /// A Ping of the server's has come. Its Pong goes out by itself, once this has returned.
  virtual void on_ping() = 0;
  /// An answer to ping().
  virtual void on_pong(std::string_view payload) = 0;

 protected:
  ~MessageReceiver() = default;
};

/// One WebSocket connection over TLS, or over plain TCP for `ws://`. Server pings are answered by
/// itself. All members belong to the thread of the executor it was opened on. The coroutines may
/// run at the same time, each once; the object must outlive them.
class WsConnection {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Options {
    Dialler& dialler;
    std::string target = "/";
    bool compression = false;  ///< offer permessage-deflate
    std::size_t max_message_bytes = 16'777'216;
    std::chrono::milliseconds connect_timeout{
        10'000};  ///< look-up, TCP, TLS and handshake together
  };
  /// A connection, or why there is none.
  struct Opened {
    std::unique_ptr<WsConnection> connection;
    ConnectFailure failure;
    Dialler::Attempt attempt;  ///< that led to the connection
  };

  static boost::asio::awaitable<Opened> open(Options options, TlsContext& tls);

  virtual ~WsConnection() = default;

  /// Hands every message to `receiver` until the connection ends; returns why.
  virtual boost::asio::awaitable<Disconnect> read_messages(MessageReceiver& receiver) = 0;

  /// Sends one text message; `text` must stay valid until the coroutine returns.
  virtual boost::asio::awaitable<boost::system::error_code> write(std::string_view text) = 0;

  /// Sends a Ping of at most 125 bytes.
  virtual boost::asio::awaitable<void> ping(std::string_view payload) = 0;

  /// Sends a Close frame with code 1000; read_messages() goes on until the server's arrives.
  virtual boost::asio::awaitable<void> close() = 0;

  /// Ends the transport at once: every coroutine returns.
  virtual void abort() = 0;

  /// When something last came, be it a part of a message; at first, the answer to the handshake.
  virtual TimePoint last_received() const = 0;
};

}  // namespace bpx::bridge
