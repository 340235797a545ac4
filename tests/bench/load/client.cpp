#include "tests/bench/load/client.hpp"

#include "tests/exchange/client_request.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/field.hpp>

#include <chrono>
#include <exception>
#include <tuple>
#include <utility>
#include <variant>

namespace bpx::bench {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using exchange::Transport;

namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

/// Written at once: it makes the cost of a system call small beside that of the messages.
constexpr std::uint64_t kBatch = 256;

std::uint64_t unix_us() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<microseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace

Client::Client(std::uint64_t connection, std::shared_ptr<Transport> transport, Programme& programme,
               bool deflate)
    : connection_(connection),
      programme_(programme),
      transport_(std::move(transport)),
      socket_(*transport_),
      due_(transport_->get_executor()) {
  websocket::permessage_deflate offer;
  offer.server_enable = deflate;
  socket_.set_option(offer);
  socket_.set_option(websocket::stream_base::decorator([this](websocket::response_type& response) {
    deflates_ = response.count(beast::http::field::sec_websocket_extensions) > 0;
  }));
  socket_.auto_fragment(false);
  socket_.text(true);
}

asio::awaitable<void> Client::run(exchange::BeastRequest upgrade) {
  const auto self = shared_from_this();
  const auto [error] = co_await socket_.async_accept(upgrade, kResult);
  if (error) co_return;
  asio::co_spawn(transport_->get_executor(), write(), [self](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  co_await read();
  has_ended_ = true;
  wake();
  transport_->drop(false);
}

void Client::drop() {
  has_ended_ = true;
  wake();
  transport_->drop(true);
}

asio::awaitable<void> Client::read() {
  beast::flat_buffer buffer;
  for (;;) {
    const auto [error, size] = co_await socket_.async_read(buffer, kResult);
    if (error) co_return;
    const auto bytes = buffer.cdata();
    on_request({static_cast<const char*>(bytes.data()), bytes.size()});
    buffer.consume(buffer.size());
  }
}

/// Success is not acknowledged: as with the exchange, data simply starts.
void Client::on_request(std::string_view text) {
  const auto parsed = exchange::parse_client_request(text);
  const auto* const request = std::get_if<exchange::ClientRequest>(&parsed);
  if (request == nullptr || request->method != "SUBSCRIBE") return;
  for (const auto& stream : request->params) {
    programme_.repertoire.add(stream);
    greetings_.push_back(stream);
  }
  wake();
}

asio::awaitable<void> Client::write() {
  while (!has_ended_) {
    const auto now = Pace::Clock::now();
    bool is_open = true;
    if (!greetings_.empty()) {
      is_open = co_await greet();
    } else if (programme_.repertoire.size() == 0) {
      due_.expires_at(Pace::Clock::time_point::max());
      co_await due_.async_wait(kResult);
    } else if (const auto measured = programme_.measured.due(now); measured > 0) {
      is_open = co_await say_measured(measured);
    } else if (const auto filler = programme_.filler.due(now); filler > 0) {
      is_open = co_await say_filler(filler);
    } else {
      due_.expires_at(std::min(programme_.measured.next(), programme_.filler.next()));
      co_await due_.async_wait(kResult);
    }
    if (!is_open) co_return;
  }
}

/// A burst is one TLS write, unless its messages are to be apart: then each is one. The stamp tells
/// when that begins, not when the message was due.
asio::awaitable<bool> Client::say_measured(std::uint64_t due) {
  auto& measured = programme_.measured;
  const auto count = programme_.is_apart ? 1 : std::min({due, measured.burst(), kBatch});
  Stamp stamp{unix_us(), Stamp::kMeasured + programme_.measured_before + measured.sent()};
  measured.advance(count);
  const auto is_open = co_await say(count, [&](std::uint64_t) -> const Frame& {
    ++stamp.mark;
    const auto& frame = programme_.repertoire.next(stamp);
    programme_.measured_bytes += frame.text().size();
    return frame;
  });
  if (!is_open) co_return false;
  if (measured.is_over()) {
    programme_.measured_before += measured.sent();
    measured = Pace();
    programme_.on_measured();
  }
  co_return true;
}

asio::awaitable<bool> Client::say_filler(std::uint64_t due) {
  const Stamp stamp{unix_us(), Stamp::kFiller + connection_};
  const auto count = std::min(due, kBatch);
  programme_.filler.advance(count);
  return say(count, [this, stamp](std::uint64_t) -> const Frame& {
    return programme_.repertoire.next(stamp);
  });
}

asio::awaitable<bool> Client::greet() {
  const Stamp stamp{unix_us(), Stamp::kFiller + connection_};
  auto greeted = std::exchange(greetings_, {});
  const auto count = greeted.size();
  return say(count, [this, stamp, greeted = std::move(greeted)](std::uint64_t i) -> const Frame& {
    return programme_.repertoire.next_of(greeted[i], stamp);
  });
}

/// Keeps all frames but the last, whose write takes them along. False where the connection has
/// ended.
template <typename Next>
asio::awaitable<bool> Client::say(std::uint64_t count, Next next) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const bool is_last = i + 1 == count;
    const Frame& frame = next(i);
    ++programme_.said;
    if (!is_last && !deflates_) {
      transport_->insert(frame.wire());
      continue;
    }
    is_last ? transport_->uncork() : transport_->cork();
    const auto text = frame.text();
    const auto [error, size] =
        co_await socket_.async_write(asio::buffer(text.data(), text.size()), kResult);
    transport_->uncork();
    if (error || has_ended_) co_return false;
  }
  co_return true;
}

}  // namespace bpx::bench
