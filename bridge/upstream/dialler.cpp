#include "bridge/upstream/dialler.hpp"

#include "bridge/upstream/race.hpp"
#include "bridge/upstream/tls_context.hpp"
#include "bridge/upstream/tunnel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <string>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

Dialler::Dialler(Options options)
    : options_(std::move(options)),
      resolver_(options_.proxy ? options_.proxy->host : options_.site.host,
                options_.proxy ? options_.proxy->port : options_.site.port) {}

/// Whatever goes wrong on the way to the proxy is the proxy's.
ConnectFailure Dialler::failure(ConnectResult result, const std::string& detail) const {
  const auto& proxy = options_.proxy;
  if (!proxy) return {result, detail};
  return {ConnectResult::proxy, "proxy " + host_and_port(proxy->host, proxy->port) + ": " + detail};
}

asio::awaitable<ConnectFailure> Dialler::connect(tcp::socket& socket, Attempt& attempt) {
  const auto& proxy = options_.proxy;
  const auto& host = proxy ? proxy->host : options_.site.host;
  attempt.stage = proxy ? ConnectResult::proxy : ConnectResult::dns;
  auto resolved = co_await resolver_.resolve();
  if (resolved.endpoints.empty())
    co_return failure(ConnectResult::dns, host + ": " + resolved.error);
  if (options_.only_this_machine) {
    const auto elsewhere = [](const auto& endpoint) { return !endpoint.address().is_loopback(); };
    std::erase_if(resolved.endpoints, elsewhere);
    if (resolved.endpoints.empty())
      co_return ConnectFailure{
          ConnectResult::dns,
          host + " leads beyond this machine, where nothing goes without TLS: use wss://"};
  }
  if (!proxy) attempt.stage = ConnectResult::tcp;
  auto order = addresses_.in_order(resolved.endpoints);
  attempt.has_alternatives = order.size() > 1;
  auto raced = co_await race(std::move(order));
  if (!raced.socket) co_return failure(ConnectResult::tcp, raced.error.message());
  attempt.address = raced.address;
  socket = std::move(*raced.socket);
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  if (proxy)
    if (const auto fault = co_await open_tunnel(socket, *proxy, options_.site); !fault.empty())
      co_return failure(ConnectResult::proxy, fault);
  co_return ConnectFailure();
}

asio::awaitable<ConnectFailure> Dialler::connect(TlsTransport& transport, Attempt& attempt) {
  auto without_tls = co_await connect(transport.next_layer(), attempt);
  if (without_tls.result != ConnectResult::ok) co_return without_tls;
  attempt.stage = ConnectResult::tls;
  auto* const ssl = transport.native_handle();
  if (!expect_host(ssl, options_.site.host))
    co_return ConnectFailure{ConnectResult::tls, "out of memory"};
  asio::steady_timer patience(transport.get_executor(), asio::steady_timer::time_point::max());
  if (attempt.has_alternatives) patience.expires_after(options_.patience);
  const auto first =
      co_await (transport.async_handshake(asio::ssl::stream_base::client, kAsTuple) ||
                patience.async_wait(kAsTuple));
  if (first.index() == 1)
    co_return ConnectFailure{ConnectResult::timeout,
                             "no TLS within " + std::to_string(options_.patience.count()) + " ms"};
  const auto [error] = std::get<0>(first);
  if (error) co_return ConnectFailure{ConnectResult::tls, describe_tls_failure(ssl, error)};
  co_return ConnectFailure();
}

void Dialler::note_success(const Attempt& attempt) {
  if (attempt.address) addresses_.worked(*attempt.address);
}

void Dialler::note_failure(const Attempt& attempt) {
  if (attempt.address) addresses_.failed(*attempt.address);
}

}  // namespace bpx::bridge
