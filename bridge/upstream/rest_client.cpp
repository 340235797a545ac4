#include "bridge/upstream/rest_client.hpp"

#include "bridge/upstream/retry_after.hpp"
#include "bridge/upstream/transport.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <optional>
#include <utility>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace asio::experimental::awaitable_operators;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// Of what has come and is not understood yet: a body is taken out as it comes. Beast bounds a head
/// and a body by themselves, but neither the header of a chunk nor what follows the last one.
constexpr std::size_t kMaxUnread = 65'536;

std::string why_unread(const boost::system::error_code& error) {
  if (error == http::error::buffer_overflow) return "chunk header or trailer limit exceeded";
  return error.message();
}

template <typename Transport>
class Client final : public RestClient {
 public:
  template <typename... Args>
  explicit Client(Options options, Args&&... transport)
      : options_(options), transport_(std::forward<Args>(transport)...) {}

  asio::awaitable<std::string> connect() {
    const auto made = co_await in_time(options_.dialler.connect(transport_, attempt_));
    const auto failure =
        made.value_or(ConnectFailure{ConnectResult::timeout, "no connection in time"});
    if (failure.result == ConnectResult::ok)
      options_.dialler.note_success(attempt_);
    else
      options_.dialler.note_failure(attempt_);
    co_return failure.detail;
  }

  asio::awaitable<Response> get(std::string target) override {
    auto answer = co_await in_time(exchange(std::move(target)));
    auto response = answer ? *std::move(answer)
                           : Response{.status = 0, .body = {}, .error = "no answer in time"};
    if (is_no_good(response)) options_.dialler.note_failure(attempt_);
    has_answered_ = has_answered_ || response.status != 0;
    co_return response;
  }

 private:
  /// What `part` gives; nullopt where the deadline comes before, which closes the connection. To
  /// cancel what reads is not enough: Beast reads piece by piece, and what comes between the end
  /// of one and the beginning of the next is seen by nobody.
  template <typename T>
  asio::awaitable<std::optional<T>> in_time(asio::awaitable<T> part) {
    Outcome outcome = Outcome::open;
    auto first = co_await (note_end(std::move(part), outcome) || close_in_time(outcome));
    if (outcome == Outcome::late || first.index() == 1) co_return std::nullopt;
    co_return std::get<0>(std::move(first));
  }

  /// Of two that end in the same turn of the loop, both do, and neither stops the other any more:
  /// the first says what holds.
  enum class Outcome { open, ended, late };

  template <typename T>
  static asio::awaitable<T> note_end(asio::awaitable<T> part, Outcome& outcome) {
    auto result = co_await std::move(part);
    if (outcome == Outcome::open) outcome = Outcome::ended;
    co_return result;
  }

  asio::awaitable<void> close_in_time(Outcome& outcome) {
    asio::steady_timer deadline(transport_.get_executor(), options_.timeout);
    const auto [cancelled] = co_await deadline.async_wait(kAsTuple);
    if (cancelled || outcome != Outcome::open) co_return;
    outcome = Outcome::late;
    boost::system::error_code ignored;
    transport_.lowest_layer().close(ignored);
  }

  asio::awaitable<Response> exchange(std::string target) {
    http::request<http::empty_body> request(http::verb::get, target, 11);
    request.set(http::field::host, host_field(options_.dialler.site()));
    request.set(http::field::user_agent, "backpack-bridge/" BPX_VERSION);
    if (const auto [error, bytes] = co_await http::async_write(transport_, request, kAsTuple);
        error)
      co_return Response{.status = 0, .body = {}, .error = error.message(), .is_unheard = true};
    http::response_parser<http::string_body> parser;
    parser.body_limit(options_.max_body_bytes);
    if (const auto [error, bytes] =
            co_await http::async_read(transport_, buffer_, parser, kAsTuple);
        error)
      co_return Response{
          .status = 0, .body = {}, .error = why_unread(error), .is_unheard = !parser.got_some()};
    auto& answer = parser.get();
    const std::string retry_after(answer[http::field::retry_after]),
        date(answer[http::field::date]);
    co_return Response{
        .status = answer.result_int(),
        .body = std::move(answer.body()),
        .error = {},
        .retry_after = parse_retry_after(retry_after, date, std::chrono::system_clock::now()),
        .may_go_on = parser.keep_alive()};
  }

  /// Whether another address may do better. A connection may end between two requests.
  bool is_no_good(const Response& response) const {
    constexpr unsigned kServerError = 500;
    const bool has_ended_between = response.is_unheard && has_answered_;
    return response.status >= kServerError || (response.status == 0 && !has_ended_between);
  }

  Options options_;
  Transport transport_;
  Dialler::Attempt attempt_;
  bool has_answered_ = false;
  boost::beast::flat_buffer buffer_{kMaxUnread};
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
  if (options.dialler.site().is_tls)
    co_return co_await connected(
        std::make_unique<Client<TlsTransport>>(options, executor, tls->native()));
  co_return co_await connected(std::make_unique<Client<PlainTransport>>(options, executor));
}

}  // namespace bpx::bridge
