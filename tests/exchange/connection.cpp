#include "tests/exchange/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/field.hpp>

#include <algorithm>
#include <utility>

namespace bpx::exchange {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

namespace {

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

/// What is written at once: enough to spread the cost of a system call, little enough that pongs
/// and faults do not wait long behind it.
constexpr std::size_t kBatchBytes = std::size_t{64} << 10U;
constexpr std::size_t kBatchMessages = 512;

/// Beyond the length at which a request is refused politely, the connection fails (1009).
constexpr std::size_t kLongestMessage = std::size_t{8} << 20U;

/// A missing Pong, and asking too much, are answered by this code; an assumption, the exchange's is
/// not documented.
constexpr std::uint16_t kPolicyViolation = 1008;

}  // namespace

Connection::Connection(std::uint64_t number, std::shared_ptr<Transport> transport, Terms terms,
                       Ledger& ledger)
    : number_(number),
      terms_(terms),
      ledger_(ledger),
      transport_(std::move(transport)),
      socket_(*transport_),
      queue_filled_(transport_->get_executor(), asio::steady_timer::time_point::max()),
      batch_written_(transport_->get_executor(), asio::steady_timer::time_point::max()),
      next_ping_(transport_->get_executor()),
      grace_(transport_->get_executor()) {
  websocket::permessage_deflate deflate;
  deflate.server_enable = terms_.compression;
  socket_.set_option(deflate);
  socket_.set_option(websocket::stream_base::decorator([this](websocket::response_type& response) {
    deflate_ = response.count(http::field::sec_websocket_extensions) > 0;
  }));
  socket_.read_message_max(kLongestMessage);
  // One frame a message, as the exchange does.
  socket_.auto_fragment(false);
  socket_.write_buffer_bytes(kBatchBytes);
  socket_.control_callback(
      [this](websocket::frame_type kind, beast::string_view) { note_control_frame(kind); });
}

asio::awaitable<bool> Connection::accept(UpgradeRequest upgrade) {
  const auto [error] = co_await socket_.async_accept(upgrade, kResult);
  if (!error) ledger_.connected(number_, deflate_);
  co_return !error;
}

asio::awaitable<void> Connection::run(std::function<void(std::string_view)> on_request) {
  const auto self = shared_from_this();
  const auto keep_alive = [self](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  };
  asio::co_spawn(transport_->get_executor(), write(), keep_alive);
  asio::co_spawn(transport_->get_executor(), ping(), keep_alive);
  co_await read(std::move(on_request));
  end();
}

asio::awaitable<void> Connection::read(std::function<void(std::string_view)> on_request) {
  beast::flat_buffer buffer;
  for (;;) {
    const auto [error, size] = co_await socket_.async_read(buffer, kResult);
    if (error) co_return;
    const auto bytes = buffer.cdata();
    const auto before = enqueued_;
    if (is_one_too_many())
      close(kPolicyViolation, "Too many requests");
    else
      on_request({static_cast<const char*>(bytes.data()), bytes.size()});
    buffer.consume(buffer.size());
    if (enqueued_ > before) co_await wait_until_written();
  }
}

/// Answers go out before a ping behind the request is read, and answered.
asio::awaitable<void> Connection::wait_until_written() {
  const auto last = enqueued_;
  while (written_ < last && !closing_ && !write_ended_) co_await batch_written_.async_wait(kResult);
}

bool Connection::is_one_too_many() {
  if (terms_.max_requests_per_second == 0) return false;
  const auto now = Clock::now();
  std::erase_if(requests_, [&](auto at) { return at <= now - std::chrono::seconds(1); });
  requests_.push_back(now);
  return requests_.size() > terms_.max_requests_per_second;
}

void Connection::end() {
  ended_ = true;
  closing_ = true;
  queue_.clear();
  queue_filled_.cancel();
  next_ping_.cancel();
  grace_.cancel();
  transport_->drop(false);
  ledger_.disconnected(number_, socket_.reason().code);
}

void Connection::send(SharedMessage message) {
  enqueue({.kind = Outgoing::Kind::text, .message = std::move(message), .reason = {}});
}

void Connection::send_binary(SharedMessage message) {
  enqueue({.kind = Outgoing::Kind::binary, .message = std::move(message), .reason = {}});
}

void Connection::send_unframed(SharedMessage bytes) {
  enqueue({.kind = Outgoing::Kind::unframed, .message = std::move(bytes), .reason = {}});
}

void Connection::enqueue(Outgoing outgoing) {
  if (closing_) return;
  if (silent_until_ != Clock::time_point::min() && Clock::now() < silent_until_) return;
  const std::size_t size = outgoing.message->text.size();
  // A single message may be larger than the bound: what counts is that the client does not read.
  if (queued_bytes_ > 0 && queued_bytes_ + size > terms_.max_queued_bytes) {
    ledger_.count(&Counters::slow_clients);
    closing_ = true;
    drop(true);
    return;
  }
  queued_bytes_ += size;
  ++enqueued_;
  queue_.push_back(std::move(outgoing));
  if (queue_.size() == 1) queue_filled_.cancel();
}

void Connection::close(std::uint16_t code, std::string_view reason) {
  if (closing_) return;
  closing_ = true;
  constexpr std::size_t kLongestReason = 123;
  const auto text = reason.substr(0, kLongestReason);
  queue_.push_back({.kind = Outgoing::Kind::close,
                    .message = nullptr,
                    .reason = {static_cast<websocket::close_code>(code),
                               beast::string_view(text.data(), text.size())}});
  queue_filled_.cancel();
  batch_written_.cancel();
  // From now on, not from when it is sent: a client that reads nothing would put that off for ever.
  begin_grace();
}

asio::awaitable<void> Connection::write() {
  bool open = true;
  while (open && !ended_) {
    if (queue_.empty()) {
      co_await queue_filled_.async_wait(kResult);
    } else if (queue_.front().kind == Outgoing::Kind::close) {
      co_await socket_.async_close(queue_.front().reason, kResult);
      open = false;
    } else {
      open = co_await write_batch();
      if (!open) drop(false);
    }
  }
  write_ended_ = true;
  batch_written_.cancel();
}

/// Writes what is queued, corked, so that the last message takes all before it along. False where
/// the connection failed.
asio::awaitable<bool> Connection::write_batch() {
  batch_.clear();
  std::size_t bytes = 0;
  beast::error_code failure;
  while (!failure && !ended_) {
    const Outgoing next = std::move(queue_.front());
    queue_.pop_front();
    const std::string& text = next.message->text;
    queued_bytes_ -= text.size();
    bytes += text.size();
    batch_.push_back(next.message);

    const bool last = queue_.empty() || queue_.front().kind == Outgoing::Kind::close ||
                      bytes >= kBatchBytes || batch_.size() >= kBatchMessages;
    last ? transport_->uncork() : transport_->cork();
    const bool framed = next.kind != Outgoing::Kind::unframed;
    if (framed) {
      socket_.text(next.kind != Outgoing::Kind::binary);
      std::tie(failure, std::ignore) = co_await socket_.async_write(asio::buffer(text), kResult);
    } else {
      transport_->insert(text);  // goes out ahead of a Pong, which may stand within a message
      std::tie(failure) = co_await socket_.async_pong({}, kResult);
    }
    if (last) break;
  }
  transport_->uncork();
  ledger_.sent(number_, batch_, !failure && !ended_);
  written_ += batch_.size();
  batch_written_.cancel();
  co_return !failure;
}

void Connection::begin_grace() {
  grace_.expires_after(terms_.close_grace);
  grace_.async_wait([self = shared_from_this()](beast::error_code cancelled) {
    if (!cancelled) self->drop(false);
  });
}

void Connection::note_control_frame(websocket::frame_type kind) {
  switch (kind) {
    case websocket::frame_type::ping: ledger_.count(&Counters::pings_received); break;
    case websocket::frame_type::pong:
      ledger_.count(&Counters::pongs_received);
      unanswered_since_ = Clock::time_point::max();
      break;
    case websocket::frame_type::close: begin_grace(); break;
  }
}

asio::awaitable<void> Connection::ping() {
  auto next = Clock::now() + terms_.ping_interval;
  for (;;) {
    const bool answered = unanswered_since_ == Clock::time_point::max();
    const auto overdue =
        answered ? Clock::time_point::max() : unanswered_since_ + terms_.pong_timeout;
    next_ping_.expires_at(std::min(next, overdue));
    co_await next_ping_.async_wait(kResult);
    if (ended_ || closing_) co_return;

    const auto now = Clock::now();
    if (unanswered_since_ != Clock::time_point::max() &&
        now >= unanswered_since_ + terms_.pong_timeout) {
      ledger_.count(&Counters::pong_timeouts);
      close(kPolicyViolation, "Pong timeout");
      co_return;
    }
    if (now < next) continue;
    next = now + terms_.ping_interval;
    if (unanswered_since_ == Clock::time_point::max()) unanswered_since_ = now;
    ledger_.count(&Counters::pings_sent);
    const auto [error] = co_await socket_.async_ping({}, kResult);
    if (error) co_return;
  }
}

}  // namespace bpx::exchange
