#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace bpx::bridge {

/// The words in which log, metrics, /status and bridge.status speak of the same things. Each
/// enumeration comes with all its values, in their order, and to_string().

/// How the connection to the exchange stands.
enum class LinkState : std::uint8_t { connecting, live, down };

/// How an attempt to connect ended.
enum class ConnectResult : std::uint8_t { ok, dns, tcp, proxy, tls, handshake, timeout };
inline constexpr std::array kConnectResults = {
    ConnectResult::ok,  ConnectResult::dns,       ConnectResult::tcp,    ConnectResult::proxy,
    ConnectResult::tls, ConnectResult::handshake, ConnectResult::timeout};

/// Why a connection ended.
enum class DisconnectReason : std::uint8_t {
  closed,     ///< the exchange sent a Close frame
  idle,       ///< nothing came for upstream.idle_timeout_ms
  mute,       ///< no data came for upstream.data_timeout_ms, though pings were answered
  reset,      ///< the transport ended without one
  oversized,  ///< a message beyond upstream.max_message_bytes
  protocol,   ///< a violation of WebSocket or TLS
  local,      ///< this side wanted it
};
inline constexpr std::array kDisconnectReasons = {
    DisconnectReason::closed, DisconnectReason::idle,      DisconnectReason::mute,
    DisconnectReason::reset,  DisconnectReason::oversized, DisconnectReason::protocol,
    DisconnectReason::local};

/// What the exchange is asked for.
enum class RequestMethod : std::uint8_t { subscribe, unsubscribe };
inline constexpr std::array kRequestMethods = {RequestMethod::subscribe,
                                               RequestMethod::unsubscribe};

/// How far a stream has come on this connection.
enum class StreamState : std::uint8_t {
  waiting,    ///< not yet asked for
  requested,  ///< asked for, no data yet, nothing known against it
  live,       ///< has delivered data
  rejected,   ///< refused by the exchange; asked for again on the next connection
};

/// What the exchange's error frames say, as far as it is documented.
enum class ExchangeError : std::uint8_t { invalid_signature, invalid_stream, other };
inline constexpr std::array kExchangeErrors = {ExchangeError::invalid_signature,
                                               ExchangeError::invalid_stream, ExchangeError::other};
ExchangeError exchange_error(std::int64_t code);

/// What became of a consumer's request for what it missed.
enum class ReplayResult : std::uint8_t { served, unknown, malformed, limited };
inline constexpr std::array kReplayResults = {ReplayResult::served, ReplayResult::unknown,
                                              ReplayResult::malformed, ReplayResult::limited};

/// What a consumer sends.
enum class ConsumerRequest : std::uint8_t {
  subscribe,    ///< to a topic
  unsubscribe,  ///< from one, also by leaving
  other,        ///< something that means nothing
};
inline constexpr std::array kConsumerRequests = {
    ConsumerRequest::subscribe, ConsumerRequest::unsubscribe, ConsumerRequest::other};

/// Why a consumer's connection was ended.
enum class TurnedAway : std::uint8_t {
  crowded,        ///< there were too many already
  subscriptions,  ///< it, or all together, had subscribed to too much
};
inline constexpr std::array kTurnedAway = {TurnedAway::crowded, TurnedAway::subscriptions};

/// Why an HTTP client's connection was ended.
enum class HttpRefusal : std::uint8_t {
  crowded,    ///< it was the idlest of too many
  slow,       ///< its request or its taking of the answer took too long
  too_large,  ///< its request was
  malformed,  ///< it does not speak HTTP
};
inline constexpr std::array kHttpRefusals = {HttpRefusal::crowded, HttpRefusal::slow,
                                             HttpRefusal::too_large, HttpRefusal::malformed};

/// Whether the order book of a depth stream is kept, and right.
enum class BookState : std::uint8_t { none, syncing, in_sync };

/// Why a kept book stopped being right.
enum class BookLoss : std::uint8_t {
  disconnected,      ///< the connection ended; it may prove right again
  unsubscribed,      ///< nobody wants the stream any more; likewise
  gap,               ///< the exchange passed over updates
  malformed,         ///< a message could not be read
  too_many_levels,   ///< more than are kept
  too_many_changes,  ///< in one update
  ids_began_anew,    ///< the exchange counts updates from another number on
};

std::string_view to_string(LinkState state);
std::string_view to_string(ConnectResult result);
std::string_view to_string(DisconnectReason reason);
std::string_view to_string(RequestMethod method);
std::string_view to_string(StreamState state);
std::string_view to_string(ExchangeError error);  ///< its code, or "other"
std::string_view to_string(ReplayResult result);
std::string_view to_string(ConsumerRequest request);
std::string_view to_string(TurnedAway reason);
std::string_view to_string(HttpRefusal reason);
std::string_view to_string(BookState state);
std::string_view to_string(BookLoss loss);

}  // namespace bpx::bridge
