#include "bridge/upstream/session.hpp"

#include "bridge/clock.hpp"
#include "proto/subscribe_request.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <bit>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

Session::Session(const asio::any_io_executor& executor, Options options, Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      subscribe_again_(executor),
      stop_signal_(executor, Clock::time_point::max()) {}

/// Of several parts, `||` lets the others go on when one throws: the session would live on without
/// its reader. So an exception is put aside and ends the part like anything else.
template <typename T>
asio::awaitable<T> Session::note_failure(asio::awaitable<T> part) {
  std::exception_ptr failure;
  try {
    co_return co_await std::move(part);
  } catch (...) {
    failure = std::current_exception();
  }
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() == asio::cancellation_type::none) failure_ = failure;
  co_return T{};
}

asio::awaitable<Session::End> Session::run(std::uint32_t connection) {
  first_data_ = last_data_ = {};
  const Disconnect stopped{DisconnectReason::local, "stopped"};
  if (is_stopping_) co_return End{stopped};

  auto first = co_await (note_failure(WsConnection::open(options_.connection, parts_.tls)) ||
                         wait_for_stop());
  if (failure_) std::rethrow_exception(failure_);
  if (first.index() == 1) co_return End{stopped};
  auto& opened = std::get<0>(first);
  if (opened.connection == nullptr) co_return End{opened.failure};

  parts_.relay.begin_connection(connection);
  parts_.subscriptions.connection_opened();
  parts_.log.info("connected", {{"connection", connection}, {"host", options_.connection.host}});
  parts_.status.connected(connection);
  co_return co_await relay_until_end(*opened.connection);
}

void Session::stop() {
  is_stopping_ = true;
  stop_signal_.cancel();
}

asio::awaitable<Session::End> Session::relay_until_end(WsConnection& connection) {
  const auto first = co_await (
      note_failure(connection.read_messages(*this)) || note_failure(keep_subscribed(connection)) ||
      note_failure(watch_idleness(connection)) || note_failure(close_when_stopped(connection)));
  if (failure_) std::rethrow_exception(failure_);
  auto why = std::visit([](const Disconnect& disconnect) { return disconnect; }, first);
  if (is_stopping_) why = {DisconnectReason::local, "stopped"};
  co_return End{why, duration_cast<milliseconds>(last_data_ - first_data_)};
}

asio::awaitable<Disconnect> Session::keep_subscribed(WsConnection& connection) {
  for (;;) {
    while (const auto request = parts_.subscriptions.next_request(Clock::now())) {
      if (request->is_afresh) {
        const auto give_up = proto::unsubscribe_request(request->streams, request->id);
        if (const auto end = co_await send(connection, give_up)) co_return *end;
      }
      const auto frame = frame_of(*request);
      if (const auto end = co_await send(connection, frame)) co_return *end;
    }
    subscribe_again_.expires_at(
        parts_.subscriptions.next_deadline().value_or(Clock::time_point::max()));
    co_await subscribe_again_.async_wait(kAsTuple);
  }
}

/// Returns why the connection is over, if it is.
asio::awaitable<std::optional<Disconnect>> Session::send(WsConnection& connection,
                                                         std::string_view frame) {
  asio::steady_timer deadline(subscribe_again_.get_executor(), options_.idle_timeout);
  const auto first = co_await (connection.write(frame) || deadline.async_wait(kAsTuple));
  if (first.index() == 1)
    co_return Disconnect{DisconnectReason::idle, "the exchange takes no requests"};
  const auto& error = std::get<0>(first);
  if (!error) co_return std::nullopt;
  // The reader knows better why, a Close frame for instance: it is given the time to say so.
  deadline.expires_after(options_.close_grace);
  co_await deadline.async_wait(kAsTuple);
  co_return Disconnect{DisconnectReason::reset, "while subscribing: " + error.message()};
}

asio::awaitable<Disconnect> Session::watch_idleness(WsConnection& connection) {
  asio::steady_timer timer(subscribe_again_.get_executor());
  auto pinged_for = Clock::time_point::min();
  for (;;) {
    const auto last = connection.last_received();
    const auto silence = Clock::now() - last;
    if (silence >= options_.idle_timeout) {
      connection.abort();
      co_return Disconnect{
          DisconnectReason::idle,
          "nothing received for " + std::to_string(options_.idle_timeout.count()) + " ms"};
    }
    const bool is_ping_due = silence >= options_.idle_timeout / 2;
    timer.expires_at(last + (is_ping_due ? options_.idle_timeout : options_.idle_timeout / 2));
    if (is_ping_due && std::exchange(pinged_for, last) != last)
      // A ping that cannot be written must not keep the deadline from being met.
      co_await (connection.ping("bridge") || timer.async_wait(kAsTuple));
    else
      co_await timer.async_wait(kAsTuple);
  }
}

asio::awaitable<Disconnect> Session::close_when_stopped(WsConnection& connection) {
  co_await wait_for_stop();
  asio::steady_timer grace(stop_signal_.get_executor(), options_.close_grace);
  co_await (connection.close() || grace.async_wait(kAsTuple));
  connection.abort();
  co_return Disconnect{DisconnectReason::local, "stopped"};
}

asio::awaitable<void> Session::wait_for_stop() {
  if (!is_stopping_) co_await stop_signal_.async_wait(kAsTuple);
}

void Session::on_message(std::string_view message) {
  const auto relayed = parts_.relay.accept(message, unix_ns());
  switch (relayed.outcome) {
    case Relayed::Outcome::published: on_data(relayed); break;
    case Relayed::Outcome::answer: on_answer(relayed.envelope); break;
    case Relayed::Outcome::malformed: note_malformed(relayed.envelope.fault, message.size()); break;
    case Relayed::Outcome::undelivered: note_undelivered(relayed.envelope.stream); break;
  }
}

void Session::on_data(const Relayed& relayed) {
  last_data_ = Clock::now();
  if (first_data_ == Clock::time_point{}) first_data_ = last_data_;
  if (!relayed.is_first_of_stream) return;
  if (parts_.subscriptions.on_data(relayed.envelope.stream)) subscribe_again_.cancel();
}

void Session::on_answer(const proto::Envelope& answer) {
  if (answer.kind == proto::Envelope::Kind::acknowledgement) {
    parts_.subscriptions.on_acknowledgement(answer.request_id);
  } else {
    const bool is_laid_to_a_request = parts_.subscriptions.on_error(
        answer.request_id, answer.error_code, answer.error_message, Clock::now());
    // Laid to a request, it is part of finding the culprit, whose rejection is announced.
    parts_.log.write(is_laid_to_a_request ? LogLevel::debug : LogLevel::warn,
                     "error from the exchange",
                     {{"code", answer.error_code},
                      {"message", answer.error_message},
                      {"about_a_request", is_laid_to_a_request}});
    announce_rejections();
  }
  subscribe_again_.cancel();
}

void Session::announce_rejections() {
  for (const auto& rejection : parts_.subscriptions.take_rejections()) {
    parts_.log.error(
        "rejected",
        {{"stream", rejection.stream}, {"code", rejection.code}, {"message", rejection.message}});
    parts_.status.rejected(rejection.stream, rejection.code, rejection.message);
  }
}

void Session::on_pong(std::string_view) {}

/// Logged at the 1st, 2nd, 4th, 8th … so that a confused exchange does not flood the log.
void Session::note_malformed(std::string_view fault, std::size_t bytes) {
  if (std::has_single_bit(++malformed_))
    parts_.log.warn("malformed message",
                    {{"fault", fault}, {"bytes", bytes}, {"count", malformed_}});
}

void Session::note_undelivered(std::string_view stream) {
  if (std::exchange(has_noted_undelivered_, true)) return;
  parts_.log.warn("account data withheld",
                  {{"stream", stream}, {"reason", "publish.private.bind is empty"}});
}

std::string Session::frame_of(const Subscriptions::Request& request) const {
  if (!request.is_private || parts_.key == nullptr)
    return proto::subscribe_request(request.streams, request.id);
  return proto::signed_subscribe_request(request.streams, request.id, *parts_.key,
                                         unix_ns() / 1'000'000, options_.window_ms);
}

}  // namespace bpx::bridge
