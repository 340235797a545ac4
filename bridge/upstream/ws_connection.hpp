#pragma once

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

/// How an attempt to connect ended, in the words of `upstream_connects_total`.
enum class ConnectResult : std::uint8_t { ok, dns, tcp, tls, handshake, timeout };

/// Why a connection ended, in the words of `upstream_disconnects_total`.
enum class DisconnectReason : std::uint8_t {
  closed,     ///< the exchange sent a Close frame
  idle,       ///< nothing came for upstream.idle_timeout_ms
  reset,      ///< the transport ended without one
  oversized,  ///< a message beyond upstream.max_message_bytes
  protocol,   ///< a violation of WebSocket or TLS
  local,      ///< this side wanted it
};

std::string_view to_string(ConnectResult result);
std::string_view to_string(DisconnectReason reason);

struct ConnectFailure {
  ConnectResult result = ConnectResult::ok;
  std::string detail;
};

struct Disconnect {
  DisconnectReason reason = DisconnectReason::reset;
  std::string detail;
};

/// Takes what arrives. Called on the connection's thread.
class MessageReceiver {
 public:
  /// One whole message. It is followed by EnvelopeReader::kPadding readable bytes and valid during
  /// the call.
  virtual void on_message(std::string_view message) = 0;
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
    bool is_tls = true;
    std::string host;
    std::uint16_t port = 443;
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

  /// When the last bytes of a message or a control frame came; at first, when the connection was
  /// opened.
  virtual TimePoint last_received() const = 0;
};

}  // namespace bpx::bridge
