#include "tests/integration/exchange/exchange_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <deque>
#include <functional>
#include <utility>

namespace bpx::exchange {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using asio::ip::tcp;

namespace {

using Plain = tcp::socket;
using Tls = asio::ssl::stream<tcp::socket>;

asio::ssl::context trusting(const std::string& ca_pem) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_verify_mode(asio::ssl::verify_peer);
  if (!ca_pem.empty()) context.add_certificate_authority(asio::buffer(ca_pem));
  return context;
}

/// Runs the loop until `done`; false at the deadline.
bool run_until(asio::io_context& loop, const std::function<bool()>& done,
               std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!done()) {
    loop.restart();
    if (loop.run_one_until(end) == 0 && std::chrono::steady_clock::now() >= end) return done();
  }
  return true;
}

/// Completes an operation that `start` begins with the handler given. Throws where it fails.
void complete(asio::io_context& loop,
              const std::function<void(std::function<void(beast::error_code)>)>& start) {
  std::optional<beast::error_code> result;
  start([&result](beast::error_code error) { result = error; });
  if (!run_until(
          loop, [&] { return result.has_value(); }, test::kDeadline)) {
    result = asio::error::timed_out;
  }
  if (*result) throw boost::system::system_error(*result);
}

void connect(asio::io_context& loop, tcp::socket& socket, std::uint16_t port) {
  complete(loop, [&](auto done) {
    socket.async_connect({asio::ip::address_v4::loopback(), port}, done);
  });
}

void handshake(asio::io_context&, Plain&, const std::string&) {}

void handshake(asio::io_context& loop, Tls& tls, const std::string& host) {
  SSL_set_tlsext_host_name(tls.native_handle(), host.c_str());
  tls.set_verify_callback(asio::ssl::host_name_verification(host));
  complete(loop, [&](auto done) { tls.async_handshake(asio::ssl::stream_base::client, done); });
}

}  // namespace

class ExchangeClient::Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  virtual void send(std::string_view text) = 0;
  virtual void ping() = 0;
  virtual void close(std::uint16_t code) = 0;
  virtual websocket::close_reason reason() const = 0;

  bool wait(const std::function<bool()>& done, std::chrono::milliseconds deadline) {
    return run_until(loop, done, deadline);
  }

  struct Message {
    std::string text;
    bool binary;
  };

  asio::io_context loop;
  std::deque<Message> inbox;
  bool binary = false;
  std::size_t pings = 0;
  std::size_t pongs = 0;
  bool deflate = false;
  beast::error_code end;
};

template <class Stream>
class ExchangeClient::SessionOver final : public ExchangeClient::Session {
 public:
  template <class... TlsContext>
  SessionOver(const ClientOptions& options, TlsContext&... tls) : socket_(loop, tls...) {
    connect(loop, beast::get_lowest_layer(socket_), options.port);
    handshake(loop, socket_.next_layer(), options.host);
    websocket::permessage_deflate deflate_offer;
    deflate_offer.client_enable = options.offer_deflate;
    socket_.set_option(deflate_offer);
    socket_.read_message_max(std::size_t{256} << 20U);
    socket_.control_callback([this](websocket::frame_type kind, beast::string_view) {
      if (kind == websocket::frame_type::ping) ++pings;
      if (kind == websocket::frame_type::pong) ++pongs;
    });
    websocket::response_type response;
    complete(loop, [&](auto done) { socket_.async_handshake(response, options.host, "/", done); });
    deflate = response.count(http::field::sec_websocket_extensions) > 0;
    read();
  }

  void send(std::string_view text) override {
    complete(loop, [&](auto done) {
      socket_.async_write(asio::buffer(text),
                          [done](beast::error_code error, std::size_t) { done(error); });
    });
  }
  void ping() override {
    complete(loop, [&](auto done) { socket_.async_ping({}, done); });
  }
  void close(std::uint16_t code) override {
    complete(loop, [&](auto done) {
      socket_.async_close(static_cast<websocket::close_code>(code), done);
    });
  }
  websocket::close_reason reason() const override { return socket_.reason(); }

 private:
  void read() {
    socket_.async_read(buffer_, [this](beast::error_code error, std::size_t) {
      if (error) {
        end = error;
        return;
      }
      inbox.push_back({beast::buffers_to_string(buffer_.data()), socket_.got_binary()});
      buffer_.clear();
      read();
    });
  }

  websocket::stream<Stream> socket_;
  beast::flat_buffer buffer_;
};

ExchangeClient::ExchangeClient(const ClientOptions& options) {
  if (options.ca_pem.empty()) {
    session_ = std::make_unique<SessionOver<Plain>>(options);
  } else {
    auto tls = trusting(options.ca_pem);
    session_ = std::make_unique<SessionOver<Tls>>(options, tls);
  }
}

ExchangeClient::~ExchangeClient() = default;
ExchangeClient::ExchangeClient(ExchangeClient&&) noexcept = default;
ExchangeClient& ExchangeClient::operator=(ExchangeClient&&) noexcept = default;

void ExchangeClient::send(std::string_view text) { session_->send(text); }
void ExchangeClient::ping() { session_->ping(); }
void ExchangeClient::close(std::uint16_t code) { session_->close(code); }

std::optional<std::string> ExchangeClient::receive(std::chrono::milliseconds deadline) {
  session_->wait([&] { return !session_->inbox.empty() || session_->end; }, deadline);
  if (session_->inbox.empty()) return std::nullopt;
  auto message = std::move(session_->inbox.front());
  session_->inbox.pop_front();
  session_->binary = message.binary;
  return std::move(message.text);
}

bool ExchangeClient::binary() const { return session_->binary; }

bool ExchangeClient::wait_for_end(std::chrono::milliseconds deadline) {
  return session_->wait([&] { return session_->end.failed(); }, deadline);
}

boost::system::error_code ExchangeClient::end_reason() const { return session_->end; }

std::uint16_t ExchangeClient::close_code() const { return session_->reason().code; }

std::string ExchangeClient::close_reason() const {
  const auto reason = session_->reason().reason;
  return {reason.data(), reason.size()};
}

bool ExchangeClient::wait_for_pings(std::size_t count, std::chrono::milliseconds deadline) {
  return session_->wait([&] { return session_->pings >= count || session_->end; }, deadline) &&
         session_->pings >= count;
}

bool ExchangeClient::wait_for_pongs(std::size_t count, std::chrono::milliseconds deadline) {
  return session_->wait([&] { return session_->pongs >= count || session_->end; }, deadline) &&
         session_->pongs >= count;
}

bool ExchangeClient::deflate_negotiated() const { return session_->deflate; }

namespace {

template <class Stream>
HttpReply exchange_over(asio::io_context& loop, Stream& stream,
                        http::request<http::string_body>& request) {
  complete(loop, [&](auto done) {
    http::async_write(stream, request,
                      [done](beast::error_code error, std::size_t) { done(error); });
  });
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  complete(loop, [&](auto done) {
    http::async_read(stream, buffer, response,
                     [done](beast::error_code error, std::size_t) { done(error); });
  });
  const auto field = [&response](http::field name) {
    const auto value = response[name];
    return std::string(value.data(), value.size());
  };
  return {.status = response.result_int(),
          .content_type = field(http::field::content_type),
          .allow = field(http::field::allow),
          .body = response.body()};
}

}  // namespace

HttpReply http_exchange(const ClientOptions& options, std::string_view method,
                        std::string_view target, std::string_view body) {
  http::request<http::string_body> request;
  request.version(11);
  request.method_string({method.data(), method.size()});
  request.target({target.data(), target.size()});
  request.set(http::field::host, options.host);
  request.body() = body;
  request.prepare_payload();

  asio::io_context loop;
  if (options.ca_pem.empty()) {
    Plain socket(loop);
    connect(loop, socket, options.port);
    return exchange_over(loop, socket, request);
  }
  auto context = trusting(options.ca_pem);
  Tls tls(loop, context);
  connect(loop, tls.next_layer(), options.port);
  handshake(loop, tls, options.host);
  return exchange_over(loop, tls, request);
}

}  // namespace bpx::exchange
