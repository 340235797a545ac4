#include "bridge/upstream/ws_connection.hpp"

#include "bridge/one_line.hpp"
#include "bridge/upstream/beast_connection.hpp"
#include "bridge/upstream/extensions.hpp"
#include "bridge/upstream/refusal.hpp"
#include "bridge/upstream/tls_context.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

using PlainConnection = BeastConnection<PlainTransport>;
using TlsConnection = BeastConnection<TlsTransport>;
using Opened = WsConnection::Opened;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

ConnectFailure explain(const error_code& error, std::string_view answer) {
  if (const auto refusal = parse_refusal(answer, std::chrono::system_clock::now()))
    return upgrade_refused(*refusal);
  return {ConnectResult::handshake, error.message() + "; check upstream.url and who answers at it"};
}

/// What a server uses must have been offered to it (RFC 6455, 4.1); empty where that is so.
std::string describe_not_offered(Extensions granted, bool offers_compression) {
  if (offers_compression) granted.erase(kDeflate);
  if (granted.empty()) return {};
  return "it uses the WebSocket extension " + *granted.begin() +
         ", which was not offered; check upstream.url and who answers at it";
}

/// The steps of connecting. Without a deadline of its own.
template <typename Connection>
asio::awaitable<ConnectFailure> connect(Connection& connection,
                                        const WsConnection::Options& options,
                                        Dialler::Attempt& attempt) {
  auto failure = co_await options.dialler.connect(connection.transport(), attempt);
  if (failure.result != ConnectResult::ok) co_return failure;
  attempt.stage = ConnectResult::handshake;
  auto host = host_field(options.dialler.site());
  websocket::response_type response;
  if (const auto error = co_await connection.handshake(std::move(host), options.target, response))
    co_return explain(error, connection.answer());
  auto fault = describe_not_offered(extensions_of(response), options.compression);
  if (!fault.empty()) co_return ConnectFailure{ConnectResult::handshake, std::move(fault)};
  co_return ConnectFailure();
}

std::string_view describe(ConnectResult stage) {
  switch (stage) {
    case ConnectResult::dns: return "the look-up of the host's name";
    case ConnectResult::tcp: return "TCP";
    case ConnectResult::proxy: return "the proxy";
    case ConnectResult::tls: return "TLS";
    default: return "the WebSocket's handshake";
  }
}

ConnectFailure timed_out(const Dialler::Attempt& attempt, std::chrono::milliseconds timeout) {
  const bool is_proxys = attempt.stage == ConnectResult::proxy;
  return {is_proxys ? ConnectResult::proxy : ConnectResult::timeout,
          "not connected within upstream.connect_timeout_ms (" + std::to_string(timeout.count()) +
              " ms), waiting for " + std::string(describe(attempt.stage))};
}

template <typename Connection>
asio::awaitable<Opened> open_within_deadline(std::unique_ptr<Connection> connection,
                                             const WsConnection::Options& options) {
  Dialler::Attempt attempt;
  asio::steady_timer timer(connection->socket().get_executor(), options.connect_timeout);
  auto first = co_await (connect(*connection, options, attempt) || timer.async_wait(kAsTuple));
  auto failure = first.index() == 0 ? std::get<0>(std::move(first))
                                    : timed_out(attempt, options.connect_timeout);
  if (failure.result == ConnectResult::ok) {
    options.dialler.note_success(attempt);
    co_return Opened{std::move(connection), {}, attempt};
  }
  options.dialler.note_failure(attempt);
  if (attempt.has_alternatives && attempt.address)
    failure.detail = "at " + attempt.address->address().to_string() + ": " + failure.detail;
  co_return Opened{nullptr, std::move(failure), attempt};
}

}  // namespace

asio::awaitable<WsConnection::Opened> WsConnection::open(Options options, TlsContext& tls) {
  const auto executor = co_await asio::this_coro::executor;
  if (options.dialler.site().is_tls)
    co_return co_await open_within_deadline(
        std::make_unique<TlsConnection>(options, executor, tls.native()), options);
  co_return co_await open_within_deadline(std::make_unique<PlainConnection>(options, executor),
                                          options);
}

Disconnect to_disconnect(const FrameSieve::Close& close) {
  if (close.code == 0) return {DisconnectReason::closed, "closed without a code"};
  auto detail = "close code " + std::to_string(close.code);
  if (!close.reason.empty()) detail += ": " + one_line(close.reason);
  return {DisconnectReason::closed, detail, close.code};
}

Disconnect to_disconnect(const error_code& error) {
  if (error == websocket::error::buffer_overflow)
    return to_disconnect(FrameSieve::Fault::oversized);
  if (error == boost::asio::ssl::error::stream_truncated)
    return {DisconnectReason::reset,
            error.message() +
                "; the connection was cut without a word. Where this comes again, look at the "
                "network and at proxies in between"};
  if (error == asio::error::eof || error.category() == asio::error::get_system_category())
    return {DisconnectReason::reset, error.message()};
  return {DisconnectReason::protocol, describe_broken_tls(error)};
}

Disconnect to_disconnect(FrameSieve::Fault fault) {
  switch (fault) {
    case FrameSieve::Fault::oversized:
      return {DisconnectReason::oversized, "a message beyond upstream.max_message_bytes"};
    case FrameSieve::Fault::not_utf8:
      return {DisconnectReason::protocol, "a compressed message is not valid UTF-8"};
    case FrameSieve::Fault::broken_into:
      return {DisconnectReason::protocol, "a message began before a compressed one had ended"};
    case FrameSieve::Fault::corrupt:
    case FrameSieve::Fault::none: break;
  }
  return {DisconnectReason::protocol,
          "a compressed message cannot be inflated; if this comes again, set upstream.compression "
          "to false"};
}

}  // namespace bpx::bridge
