#include "bridge/upstream/session.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/audience.hpp"
#include "bridge/upstream/dialler.hpp"
#include "bridge/upstream/idleness.hpp"
#include "proto/subscribe_request.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <bit>
#include <charconv>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// How long after a connection was made the streams that lost something are gathered into one line.
constexpr std::chrono::seconds kGatherLosses{10};

/// An exchange that takes no Pong stops the reading too: what it has sent may wait unread.
std::string describe_silence(std::chrono::nanoseconds silence, bool is_ping_stuck) {
  const auto lasted = std::to_string(duration_cast<milliseconds>(silence).count()) + " ms";
  return is_ping_stuck ? "nothing read for " + lasted + ", and the exchange takes nothing either"
                       : "nothing received for " + lasted;
}

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
  if (opened.connection == nullptr) {
    parts_.measurements.upstream.connects[opened.failure.result].add();
    parts_.measurements.upstream.last_attempt.set(opened.failure.result);
    co_return End{opened.failure};
  }

  parts_.relay.begin_connection(connection);
  parts_.subscriptions.connection_opened();
  measure_start();
  parts_.log.info("connected",
                  {{"connection", connection}, {"host", options_.connection.dialler.site().host}});
  parts_.status.connected(connection);
  co_return co_await relay_until_end(*opened.connection);
}

void Session::subscriptions_changed() { subscribe_again_.cancel(); }

void Session::stop() {
  is_stopping_ = true;
  stop_signal_.cancel();
}

asio::awaitable<Session::End> Session::relay_until_end(WsConnection& connection) {
  const auto first = co_await (
      note_failure(connection.read_messages(*this)) || note_failure(keep_subscribed(connection)) ||
      note_failure(watch_idleness(connection)) || note_failure(close_when_stopped(connection)));
  parts_.subscriptions.connection_closed();
  tell_what_was_lost_between();
  parts_.relay.end_connection();
  if (failure_) std::rethrow_exception(failure_);
  auto why = std::visit([](const Disconnect& disconnect) { return disconnect; }, first);
  if (is_stopping_) why = {DisconnectReason::local, "stopped"};
  measure_end(why.reason);
  co_return End{why, duration_cast<milliseconds>(last_data_ - first_data_)};
}

void Session::measure_start() {
  connected_ = Clock::now();
  streams_with_loss_ = ids_lost_ = 0;
  has_told_loss_ = has_told_search_ = false;
  auto& upstream = parts_.measurements.upstream;
  upstream.connects[ConnectResult::ok].add();
  upstream.last_attempt.set(ConnectResult::ok);
  upstream.last_received_steady_ns.set(steady_ns());
}

void Session::measure_end(DisconnectReason reason) {
  auto& upstream = parts_.measurements.upstream;
  upstream.disconnects[reason].add();
  upstream.last_disconnect.set(reason);
  upstream.last_disconnect_ns.set(unix_ns());
  upstream.ping_rtt_s.set(UpstreamMeasurements::kUnknown);
}

asio::awaitable<Disconnect> Session::keep_subscribed(WsConnection& connection) {
  for (;;) {
    while (const auto request = parts_.subscriptions.next_request(Clock::now())) {
      const auto frame = frame_of(*request);
      if (const auto end = co_await send(connection, frame)) {
        connection.abort();  // whatever the other parts wait for
        co_return *end;
      }
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

/// Each ping carries the time at which it was sent, and the pong brings it back.
asio::awaitable<Disconnect> Session::watch_idleness(WsConnection& connection) {
  asio::steady_timer timer(subscribe_again_.get_executor());
  Idleness idleness(options_.idle_timeout, options_.ping_interval);
  bool is_ping_stuck = false;
  for (;;) {
    const auto last = connection.last_received();
    const auto now = Clock::now();
    const auto end = idleness.end(last, now);
    if (now >= end) {
      connection.abort();
      co_return Disconnect{DisconnectReason::idle, describe_silence(now - last, is_ping_stuck)};
    }
    const auto due = idleness.ping_due(last);
    if (now < due) {
      timer.expires_at(std::min(due, end));
      co_await timer.async_wait(kAsTuple);
      continue;
    }
    idleness.pinged(last, now);
    timer.expires_at(end);
    const auto stamp = std::to_string(now.time_since_epoch().count());
    // A ping that cannot be written must not keep the deadline from being met.
    const auto first = co_await (connection.ping(stamp) || timer.async_wait(kAsTuple));
    is_ping_stuck = first.index() == 1;
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

void Session::on_message(std::string_view message, const Moment& received) {
  const auto relayed = parts_.relay.accept(message, received);
  switch (relayed.outcome) {
    case Relayed::Outcome::published: on_data(relayed, received); break;
    case Relayed::Outcome::answer: on_answer(relayed.envelope); break;
    case Relayed::Outcome::malformed: note_malformed(relayed.envelope.fault, message.size()); break;
    case Relayed::Outcome::undelivered: note_undelivered(relayed.envelope.stream); break;
  }
}

void Session::on_data(const Relayed& relayed, const Moment& received) {
  last_data_ = Clock::time_point(std::chrono::nanoseconds(received.steady_ns));
  parts_.measurements.upstream.last_received_steady_ns.set(received.steady_ns);
  if (relayed.gap) announce_gap(relayed);
  if (last_data_ - connected_ >= kGatherLosses) tell_what_was_lost_between();
  if (first_data_ == Clock::time_point{}) first_data_ = last_data_;
  if (!relayed.is_first_of_stream) return;
  if (parts_.subscriptions.on_data(relayed.envelope.stream)) subscribe_again_.cancel();
}

/// Logged at a stream's 1st, 2nd, 4th, 8th … gap; but what was lost between two connections, which
/// may be something of every stream, in one line.
void Session::announce_gap(const Relayed& relayed) {
  const auto& [expected, got] = *relayed.gap;
  parts_.status.gap(relayed.envelope.stream, expected, got);
  const auto gaps = relayed.stream->gaps.value();
  if (relayed.is_first_of_stream) note_lost_between(relayed);
  const bool is_news = !relayed.is_first_of_stream && std::has_single_bit(gaps);
  parts_.log.write(
      is_news ? LogLevel::warn : LogLevel::debug, "gap",
      {{"stream", relayed.envelope.stream}, {"expected", expected}, {"got", got}, {"gaps", gaps}});
}

void Session::note_lost_between(const Relayed& relayed) {
  ++streams_with_loss_;
  ids_lost_ += relayed.gap->missing();
}

void Session::tell_what_was_lost_between() {
  if (streams_with_loss_ == 0 || std::exchange(has_told_loss_, true)) return;
  parts_.log.warn("messages lost between connections",
                  {{"streams", streams_with_loss_}, {"ids", ids_lost_}});
}

void Session::on_answer(const proto::Envelope& answer) {
  if (answer.kind == proto::Envelope::Kind::acknowledgement) {
    parts_.subscriptions.on_acknowledgement(answer.request_id);
  } else {
    parts_.measurements.upstream.errors[exchange_error(answer.error_code)].add();
    const bool is_laid_to_a_request = parts_.subscriptions.on_error(
        answer.request_id, answer.error_code, answer.error_message, Clock::now());
    announce_rejections();
    announce_search(answer.error_code);
    note_error(answer, is_laid_to_a_request);
  }
  subscribe_again_.cancel();
}

/// Such as bad names get are part of finding the culprit, whose rejection is announced. Of the
/// others the log is told the 1st, 2nd, 4th, 8th … of a kind, and one a minute.
void Session::note_error(const proto::Envelope& answer, bool is_laid_to_a_request) {
  constexpr std::chrono::minutes kReminder{1};
  const auto error = exchange_error(answer.error_code);
  auto& unexpected = unexpected_errors_[error];
  bool is_news = false;
  if (!is_laid_to_a_request || error == ExchangeError::other) {
    unexpected.add();
    const auto now = Clock::now();
    is_news = std::has_single_bit(unexpected.value()) || now - error_noted_ >= kReminder;
    if (is_news) error_noted_ = now;
  }
  parts_.log.write(is_news ? LogLevel::warn : LogLevel::debug, "error from the exchange",
                   {{"code", answer.error_code},
                    {"message", answer.error_message},
                    {"about_a_request", is_laid_to_a_request},
                    {"count", unexpected.value()}});
}

/// Once a connection. Refused signatures say nothing of the names.
void Session::announce_search(std::int64_t code) {
  const auto waiting = parts_.subscriptions.count(StreamState::waiting);
  if (waiting == 0 || exchange_error(code) == ExchangeError::invalid_signature) return;
  if (!std::exchange(has_told_search_, true))
    parts_.log.info("streams wait until bad names are found", {{"streams", waiting}});
}

void Session::announce_rejections() {
  for (const auto& rejection : parts_.subscriptions.take_rejections()) {
    // First of all: /readyz shows the stream as rejected already, and is to say why.
    parts_.measurements.note_rejected(rejection.stream, {rejection.code, rejection.message});
    parts_.log.error(
        "rejected",
        {{"stream", rejection.stream}, {"code", rejection.code}, {"message", rejection.message}});
    parts_.status.rejected(rejection.stream, rejection.code, rejection.message);
  }
}

void Session::on_ping() { parts_.measurements.upstream.last_received_steady_ns.set(steady_ns()); }

void Session::on_pong(std::string_view payload) {
  auto& upstream = parts_.measurements.upstream;
  const auto now = steady_ns();
  upstream.last_received_steady_ns.set(now);
  std::int64_t sent = 0;
  const auto* const end = payload.data() + payload.size();
  const auto [rest, error] = std::from_chars(payload.data(), end, sent);
  if (error != std::errc{} || rest != end || sent > now) return;
  upstream.ping_rtt_s.set(static_cast<double>(now - sent) / 1e9);
}

/// Logged at the 1st, 2nd, 4th, 8th … so that a confused exchange does not flood the log.
void Session::note_malformed(std::string_view fault, std::size_t bytes) {
  if (const auto count = parts_.measurements.upstream.malformed.value(); std::has_single_bit(count))
    parts_.log.warn("malformed message", {{"fault", fault}, {"bytes", bytes}, {"count", count}});
}

void Session::note_undelivered(std::string_view stream) {
  const bool is_private = audience_of(stream) == Audience::account;
  auto& has_been_noted = is_private ? has_noted_private_ : has_noted_public_;
  if (std::exchange(has_been_noted, true)) return;
  parts_.log.warn(
      is_private ? "account data withheld" : "public data withheld",
      {{"stream", stream},
       {"reason", is_private ? "publish.private.bind is empty" : "publish.public.bind is empty"}});
}

std::string Session::frame_of(const Subscriptions::Request& request) const {
  if (request.is_end) return proto::unsubscribe_request(request.streams, request.id);
  if (!request.is_private || parts_.key == nullptr)
    return proto::subscribe_request(request.streams, request.id);
  return proto::signed_subscribe_request(request.streams, request.id, *parts_.key,
                                         unix_ns() / 1'000'000, options_.window_ms);
}

}  // namespace bpx::bridge
