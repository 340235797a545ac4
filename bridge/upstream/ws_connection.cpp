#include "bridge/upstream/ws_connection.hpp"

#include "bridge/one_line.hpp"
#include "bridge/upstream/beast_connection.hpp"
#include "bridge/upstream/extensions.hpp"
#include "bridge/upstream/host_field.hpp"
#include "bridge/upstream/refusal.hpp"
#include "bridge/upstream/resolver.hpp"
#include "bridge/upstream/tls_context.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/this_coro.hpp>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

using PlainConnection = BeastConnection<PlainTransport>;
using TlsConnection = BeastConnection<TlsTransport>;
using Clock = std::chrono::steady_clock;
using Opened = WsConnection::Opened;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// Connects `socket` to the first endpoint that answers. Each is given an equal share of the time
/// that is left, so that one dead address (IPv6 without a route) does not use it all up.
asio::awaitable<error_code> connect(tcp::socket& socket, std::vector<tcp::endpoint> endpoints,
                                    Clock::time_point deadline) {
  error_code last = asio::error::host_unreachable;
  asio::steady_timer timer(socket.get_executor());
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    error_code ignored;
    socket.close(ignored);
    timer.expires_after((deadline - Clock::now()) / static_cast<int>(endpoints.size() - i));
    const auto first =
        co_await (socket.async_connect(endpoints[i], kAsTuple) || timer.async_wait(kAsTuple));
    last =
        first.index() == 0 ? std::get<0>(std::get<0>(first)) : error_code(asio::error::timed_out);
    if (!last) {
      socket.set_option(tcp::no_delay(true), ignored);
      socket.set_option(asio::socket_base::keep_alive(true), ignored);
      break;
    }
  }
  co_return last;
}

asio::awaitable<error_code> secure(PlainConnection&, const std::string&) { co_return error_code(); }

asio::awaitable<error_code> secure(TlsConnection& connection, const std::string& host) {
  auto& tls = connection.transport();
  if (!expect_host(tls.native_handle(), host)) co_return asio::error::no_memory;
  const auto [error] = co_await tls.async_handshake(asio::ssl::stream_base::client, kAsTuple);
  co_return error;
}

std::string describe_tls(PlainConnection&, const error_code& error) { return error.message(); }
std::string describe_tls(TlsConnection& connection, const error_code& error) {
  return describe_tls_failure(connection.transport().native_handle(), error);
}

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
asio::awaitable<ConnectFailure> connect_all(Connection& connection,
                                            const WsConnection::Options& options,
                                            Clock::time_point deadline) {
  auto resolved = co_await resolve(options.host, options.port);
  if (resolved.endpoints.empty())
    co_return ConnectFailure{ConnectResult::dns, options.host + ": " + resolved.error};
  if (const auto error =
          co_await connect(connection.socket(), std::move(resolved.endpoints), deadline))
    co_return ConnectFailure{ConnectResult::tcp, error.message()};
  if (const auto error = co_await secure(connection, options.host))
    co_return ConnectFailure{ConnectResult::tls, describe_tls(connection, error)};
  auto host = host_field(options.host, options.port, options.is_tls);
  websocket::response_type response;
  if (const auto error = co_await connection.handshake(std::move(host), options.target, response))
    co_return explain(error, connection.answer());
  auto fault = describe_not_offered(extensions_of(response), options.compression);
  if (!fault.empty()) co_return ConnectFailure{ConnectResult::handshake, std::move(fault)};
  co_return ConnectFailure();
}

template <typename Connection>
asio::awaitable<Opened> open_within_deadline(std::unique_ptr<Connection> connection,
                                             const WsConnection::Options& options) {
  const auto deadline = Clock::now() + options.connect_timeout;
  asio::steady_timer timer(connection->socket().get_executor(), deadline);
  auto first = co_await (connect_all(*connection, options, deadline) || timer.async_wait(kAsTuple));
  if (first.index() == 1)
    co_return Opened{
        nullptr,
        {ConnectResult::timeout, "not connected within upstream.connect_timeout_ms (" +
                                     std::to_string(options.connect_timeout.count()) + " ms)"}};
  auto& failure = std::get<0>(first);
  if (failure.result != ConnectResult::ok) co_return Opened{nullptr, std::move(failure)};
  co_return Opened{std::move(connection), {}};
}

}  // namespace

asio::awaitable<WsConnection::Opened> WsConnection::open(Options options, TlsContext& tls) {
  const auto executor = co_await asio::this_coro::executor;
  if (options.is_tls)
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
  if (error == asio::error::eof || error == boost::asio::ssl::error::stream_truncated ||
      error.category() == asio::error::get_system_category())
    return {DisconnectReason::reset, error.message()};
  return {DisconnectReason::protocol, error.message()};
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
