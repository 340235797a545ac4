#include "tests/exchange/http_session.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include <string>
#include <utility>

namespace bpx::exchange {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kLongestBody = std::size_t{8} << 20U;

/// Drops the transport unless it is destroyed in time. The transport is shared with the timer's
/// wait, which may have been queued already when this is destroyed.
class Deadline {
 public:
  Deadline(const std::shared_ptr<Transport>& transport, std::chrono::milliseconds patience)
      : timer_(transport->get_executor(), patience) {
    timer_.async_wait([transport](const beast::error_code& cancelled) {
      if (!cancelled) transport->drop(false);
    });
  }

 private:
  asio::steady_timer timer_;
};

std::string text(beast::string_view view) { return {view.data(), view.size()}; }

HttpRequest to_request(BeastRequest& from) {
  const std::string target = text(from.target());
  const auto question = target.find('?');
  HttpRequest request;
  request.method = text(from.method_string());
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  request.body = std::move(from.body());
  return request;
}

http::response<http::string_body> to_response(HttpAnswer answer, bool keep_alive) {
  http::response<http::string_body> response;
  response.version(11);
  response.result(answer.status);
  response.set(http::field::server, "simulated-exchange");
  response.set(http::field::content_type, answer.content_type);
  if (!answer.allow.empty()) response.set(http::field::allow, answer.allow);
  response.keep_alive(keep_alive);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  return response;
}

}  // namespace

asio::awaitable<HttpEnd> serve_http(std::shared_ptr<Transport> transport, AnswerHttp answer,
                                    std::chrono::milliseconds patience, Interject interject) {
  HttpEnd end;
  {
    const Deadline deadline(transport, patience);
    if (co_await transport->handshake()) co_return end;
  }
  end.handshaken = true;

  beast::flat_buffer buffer;
  for (;;) {
    const Deadline deadline(transport, patience);
    http::request_parser<http::string_body> parser;
    parser.body_limit(kLongestBody);
    const auto [read_error, read] = co_await http::async_read(*transport, buffer, parser, kResult);
    if (read_error) break;

    auto request = parser.release();
    const bool is_upgrade = beast::websocket::is_upgrade(request) && request.target() == "/";
    if (const auto bytes = interject(is_upgrade); !bytes.empty()) {
      co_await asio::async_write(*transport, asio::buffer(bytes), kResult);
      break;
    }
    if (is_upgrade) {
      end.upgrade = std::move(request);
      co_return end;
    }
    // The answer to HEAD would have no body; answered like the rest, it must be the last.
    const bool keep_alive = request.keep_alive() && request.method() != http::verb::head;
    auto response = to_response(answer(to_request(request)), keep_alive);
    const auto [write_error, written] = co_await http::async_write(*transport, response, kResult);
    if (write_error || !keep_alive) break;
  }
  const Deadline deadline(transport, patience);
  co_await transport->shut_down();
  co_return end;
}

}  // namespace bpx::exchange
