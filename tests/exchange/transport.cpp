#include "tests/exchange/transport.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <tuple>

namespace bpx::exchange {
namespace asio = boost::asio;

namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

/// A burst or a huge message may have grown the buffer; a quiet connection gives it back.
constexpr std::size_t kKeptCapacity = std::size_t{256} << 10U;

/// With a client that does not end a connection that has ended.
constexpr std::chrono::seconds kPatience{60};

}  // namespace

Transport::Transport(asio::ip::tcp::socket socket, asio::ssl::context* tls)
    : wire_(std::move(socket)), dropped_(wire_.get_executor()), hearing_(wire_.get_executor()) {
  if (tls != nullptr) tls_.emplace(wire_, *tls);
}

asio::awaitable<Transport::Error> Transport::handshake() {
  if (!tls_) co_return Error{};
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kResult);
  co_return error;
}

void Transport::insert(std::string_view bytes) {
  unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
}

void Transport::deafen(Clock::time_point until) {
  deaf_until_ = until;
  hearing_.cancel();
}

void Transport::renegotiate() {
  if (!tls_) return;
  wire_.alternate();
  SSL_renegotiate(tls_->native_handle());
}

asio::awaitable<Transport::Transferred> Transport::receive(asio::mutable_buffer buffer) {
  Transferred received;
  if (tls_) {
    std::tie(received.error, received.bytes) = co_await tls_->async_read_some(buffer, kResult);
  } else {
    std::tie(received.error, received.bytes) = co_await wire_.async_read_some(buffer, kResult);
  }
  while (!received.error && Clock::now() < deaf_until_ && wire_.socket().is_open()) {
    hearing_.expires_at(deaf_until_);
    co_await hearing_.async_wait(kResult);
  }
  co_return received;
}

asio::awaitable<Transport::Transferred> Transport::send_unsent(std::size_t size) {
  sending_.swap(unsent_);
  Transferred sent;
  if (tls_) {
    std::tie(sent.error, sent.bytes) =
        co_await asio::async_write(*tls_, asio::buffer(sending_), kResult);
  } else {
    std::tie(sent.error, sent.bytes) =
        co_await asio::async_write(wire_, asio::buffer(sending_), kResult);
  }
  sending_.clear();
  if (sending_.capacity() > kKeptCapacity) sending_.shrink_to_fit();
  sent.bytes = sent.error ? 0 : size;
  co_return sent;
}

asio::awaitable<Transport::Error> Transport::shut_down() {
  Error error;
  if (tls_) std::tie(error) = co_await tls_->async_shutdown(kResult);
  Error ignored;
  wire_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  co_return error;
}

void Transport::drop(bool reset) {
  auto& socket = wire_.socket();
  if (!socket.is_open()) return;
  Error ignored;
  if (reset) {
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
  } else {
    socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    const auto protocol = socket.local_endpoint(ignored).protocol();
    dropped_.assign(protocol, socket.release());  // which ends what reads and writes
  }
  wire_.close();
  hearing_.cancel();
}

asio::awaitable<void> Transport::see_off() {
  drop(false);
  asio::steady_timer patience(get_executor(), kPatience);
  patience.async_wait([self = shared_from_this()](const Error& cancelled) {
    if (!cancelled) self->close();
  });
  std::array<char, 4096> bytes;
  Error error;
  while (!error) {
    std::tie(error, std::ignore) = co_await dropped_.async_read_some(asio::buffer(bytes), kResult);
  }
  close();
}

void Transport::close() {
  Error ignored;
  wire_.close();
  dropped_.close(ignored);
  hearing_.cancel();
}

}  // namespace bpx::exchange
