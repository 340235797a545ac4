#include "bridge/upstream/rest_client.hpp"

#include "bridge/upstream/host_field.hpp"
#include "bridge/upstream/resolver.hpp"
#include "bridge/upstream/transport.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace asio::experimental::awaitable_operators;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<std::string> secure(PlainTransport&, const std::string&) {
  co_return std::string();
}

asio::awaitable<std::string> secure(TlsTransport& transport, const std::string& host) {
  if (!expect_host(transport.native_handle(), host)) co_return "out of memory";
  const auto [error] = co_await transport.async_handshake(asio::ssl::stream_base::client, kAsTuple);
  if (!error) co_return std::string();
  co_return describe_tls_failure(transport.native_handle(), error);
}

template <typename Transport>
class Client final : public RestClient {
 public:
  template <typename... Args>
  explicit Client(Options options, Args&&... transport)
      : options_(std::move(options)), transport_(std::forward<Args>(transport)...) {}

  asio::awaitable<std::string> connect() {
    asio::steady_timer deadline(transport_.get_executor(), options_.timeout);
    auto first = co_await (connect_all() || deadline.async_wait(kAsTuple));
    if (first.index() == 1) co_return "no connection in time";
    co_return std::get<0>(std::move(first));
  }

  asio::awaitable<Response> get(std::string target) override {
    asio::steady_timer deadline(transport_.get_executor(), options_.timeout);
    auto first = co_await (exchange(std::move(target)) || deadline.async_wait(kAsTuple));
    if (first.index() == 1)
      co_return Response{.status = 0, .body = {}, .error = "no answer in time"};
    co_return std::get<0>(std::move(first));
  }

 private:
  asio::awaitable<std::string> connect_all() {
    auto resolved = co_await resolve(options_.host, options_.port);
    if (resolved.endpoints.empty()) co_return options_.host + ": " + resolved.error;
    const auto [error, endpoint] =
        co_await asio::async_connect(transport_.lowest_layer(), resolved.endpoints, kAsTuple);
    if (error) co_return error.message();
    auto failure = co_await secure(transport_, options_.host);
    co_return failure;
  }

  asio::awaitable<Response> exchange(std::string target) {
    http::request<http::empty_body> request(http::verb::get, target, 11);
    request.set(http::field::host, host_field(options_.host, options_.port, options_.is_tls));
    request.set(http::field::user_agent, "backpack-bridge/" BPX_VERSION);
    if (const auto [error, bytes] = co_await http::async_write(transport_, request, kAsTuple);
        error)
      co_return Response{.status = 0, .body = {}, .error = error.message()};
    http::response_parser<http::string_body> parser;
    parser.body_limit(options_.max_body_bytes);
    if (const auto [error, bytes] =
            co_await http::async_read(transport_, buffer_, parser, kAsTuple);
        error)
      co_return Response{.status = 0, .body = {}, .error = error.message()};
    co_return Response{
        .status = parser.get().result_int(), .body = std::move(parser.get().body()), .error = {}};
  }

  Options options_;
  Transport transport_;
  boost::beast::flat_buffer buffer_;
};

template <typename Transport>
asio::awaitable<RestClient::Opened> connected(std::unique_ptr<Client<Transport>> client) {
  auto error = co_await client->connect();
  if (!error.empty()) co_return RestClient::Opened{.client = nullptr, .error = std::move(error)};
  co_return RestClient::Opened{.client = std::move(client), .error = {}};
}

}  // namespace

asio::awaitable<RestClient::Opened> RestClient::open(Options options, TlsContext* tls) {
  const auto executor = co_await asio::this_coro::executor;
  if (options.is_tls)
    co_return co_await connected(
        std::make_unique<Client<TlsTransport>>(std::move(options), executor, tls->native()));
  co_return co_await connected(
      std::make_unique<Client<PlainTransport>>(std::move(options), executor));
}

}  // namespace bpx::bridge
