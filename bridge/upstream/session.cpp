#include "bridge/upstream/session.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/audience.hpp"
#include "bridge/upstream/dialler.hpp"
#include "proto/stream_name.hpp"
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

/// So long the first signature waits for the exchange's clock.
constexpr std::chrono::seconds kClockPatience{2};

/// How long after a connection was made the streams that lost something are gathered into one line.
constexpr std::chrono::seconds kGatherLosses{10};

Pace slowed(std::size_t per_second, unsigned slowdowns) {
  return Pace(std::max<std::size_t>(per_second >> std::min(slowdowns, 31U), 1));
}

std::string lasted(std::chrono::nanoseconds silence) {
  return std::to_string(duration_cast<milliseconds>(silence).count()) + " ms";
}

/// An exchange that takes no Pong stops the reading too: what it has sent may wait unread.
std::string describe_silence(std::chrono::nanoseconds silence, bool is_ping_stuck) {
  return is_ping_stuck
             ? "nothing read for " + lasted(silence) + ", and the exchange takes nothing either"
             : "nothing received for " + lasted(silence);
}

}  // namespace

Session::Session(const asio::any_io_executor& executor, Options options, Parts parts)
    : options_(std::move(options)),
      parts_(parts),
      liveness_(options_.liveness),
      look_again_(executor),
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

asio::awaitable<Session::End> Session::run(std::uint32_t connection, unsigned slowdowns) {
  first_data_ = last_data_ = {};
  liveness_ = Liveness(options_.liveness);
  is_ping_due_ = false;
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
  const Pace pace = slowed(options_.requests_per_second, slowdowns);
  parts_.subscriptions.connection_opened(pace.per_second());
  measure_start();
  parts_.log.info("connected",
                  {{"connection", connection}, {"host", options_.connection.dialler.site().host}});
  parts_.status.connected(connection);
  co_return co_await relay_until_end(*opened.connection, pace);
}

void Session::subscriptions_changed() { subscribe_again_.cancel(); }

void Session::clock_measured() {
  if (!std::exchange(is_clock_measured_, true)) subscribe_again_.cancel();
}

void Session::stop() {
  is_stopping_ = true;
  stop_signal_.cancel();
}

asio::awaitable<Session::End> Session::relay_until_end(WsConnection& connection, Pace pace) {
  const auto first = co_await (note_failure(connection.read_messages(*this)) ||
                               note_failure(keep_subscribed(connection, pace)) ||
                               note_failure(watch_liveness(connection)) ||
                               note_failure(close_when_stopped(connection)));
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
  upstream.connected_ns.set(unix_ns());
  upstream.last_received_steady_ns.set(steady_ns());
}

void Session::measure_end(DisconnectReason reason) {
  auto& upstream = parts_.measurements.upstream;
  upstream.disconnects[reason].add();
  upstream.last_disconnect.set(reason);
  upstream.last_disconnect_ns.set(unix_ns());
  upstream.ping_rtt_s.set(UpstreamMeasurements::kUnknown);
}

/// Signatures bear the exchange's time. Where it cannot be had they bear ours, soon enough.
asio::awaitable<void> Session::wait_for_clock() {
  subscribe_again_.expires_after(kClockPatience);
  const auto end = subscribe_again_.expiry();
  while (!is_clock_measured_ && Clock::now() < end) {
    subscribe_again_.expires_at(end);
    co_await subscribe_again_.async_wait(kAsTuple);
  }
  is_clock_measured_ = true;
}

/// The one that writes, but for the end: requests, a fence behind each, and pings.
asio::awaitable<Disconnect> Session::keep_subscribed(WsConnection& connection, Pace pace) {
  if (parts_.key != nullptr) co_await wait_for_clock();
  std::optional<Disconnect> end;
  while (!end) {
    const auto now = Clock::now();
    if (is_ping_due_) {
      end = co_await ping(connection, 0);
      is_ping_due_ = false;
      continue;
    }
    const auto request = now < pace.next() ? std::nullopt : parts_.subscriptions.next_request(now);
    announce_rejections();
    if (!request) {
      const auto due = parts_.subscriptions.next_deadline().value_or(Clock::time_point::max());
      subscribe_again_.expires_at(std::max(due, pace.next()));
      co_await subscribe_again_.async_wait(kAsTuple);
      continue;
    }
    const auto frame = frame_of(*request);
    const auto id = request->id;
    const auto method = request->is_end ? RequestMethod::unsubscribe : RequestMethod::subscribe;
    end = co_await send(connection, frame);
    if (end) break;
    pace.sent(Clock::now());
    parts_.measurements.upstream.requests[method].add();
    end = co_await ping(connection, id);
  }
  connection.abort();  // whatever the other parts wait for
  co_return *end;
}

/// Returns why the connection is over, if it is.
asio::awaitable<std::optional<Disconnect>> Session::send(WsConnection& connection,
                                                         std::string_view frame) {
  asio::steady_timer deadline(subscribe_again_.get_executor(), options_.liveness.idle_timeout);
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

/// As a fence behind `request`, which is 0 for none. It also carries the time at which it is sent,
/// and the pong brings both back. Returns why the connection is over, if it is.
asio::awaitable<std::optional<Disconnect>> Session::ping(WsConnection& connection,
                                                         std::uint64_t request) {
  asio::steady_timer deadline(subscribe_again_.get_executor(), options_.liveness.idle_timeout);
  const auto now = Clock::now();
  liveness_.pinged(connection.last_received(), now);
  const auto payload =
      std::to_string(request) + ' ' + std::to_string(now.time_since_epoch().count());
  const auto first = co_await (connection.ping(payload) || deadline.async_wait(kAsTuple));
  if (first.index() == 1)
    co_return Disconnect{DisconnectReason::idle, "the exchange takes no pings"};
  co_return std::nullopt;
}

asio::awaitable<Disconnect> Session::watch_liveness(WsConnection& connection) {
  for (;;) {
    const Liveness::Heard heard{.anything = connection.last_received(), .data = last_data_};
    const auto now = Clock::now();
    const auto end = liveness_.end(heard, now);
    if (now >= end.at) {
      connection.abort();
      co_return Disconnect{end.reason, end.reason == DisconnectReason::mute
                                           ? "no data for " + lasted(now - heard.data)
                                           : describe_silence(now - heard.anything, is_ping_due_)};
    }
    if (now >= liveness_.ping_due(heard)) {
      liveness_.pinged(heard.anything, now);
      is_ping_due_ = true;
      subscribe_again_.cancel();
    }
    look_again_.expires_at(std::min(liveness_.ping_due(heard), end.at));
    co_await look_again_.async_wait(kAsTuple);
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
    case Relayed::Outcome::published:
      note_data(received);
      on_data(relayed);
      break;
    case Relayed::Outcome::canary:
      note_data(received);
      on_canary();
      break;
    case Relayed::Outcome::answer: on_answer(relayed.envelope); break;
    case Relayed::Outcome::malformed: note_malformed(relayed.envelope.fault, message.size()); break;
    case Relayed::Outcome::undelivered: note_undelivered(relayed.envelope.stream); break;
  }
}

void Session::note_data(const Moment& received) {
  last_data_ = Clock::time_point(std::chrono::nanoseconds(received.steady_ns));
  parts_.measurements.upstream.last_received_steady_ns.set(received.steady_ns);
  if (first_data_ == Clock::time_point{}) first_data_ = last_data_;
}

void Session::on_data(const Relayed& relayed) {
  if (relayed.gap) announce_gap(relayed);
  if (last_data_ - connected_ >= kGatherLosses) tell_what_was_lost_between();
  if (!relayed.is_first_of_stream) return;
  const auto stream = relayed.envelope.stream;
  if (stream == options_.canary ||
      (proto::is_ticking(stream) && parts_.subscriptions.state_of(stream)))
    expect_data();
  parts_.subscriptions.on_data(stream);
}

void Session::on_canary() {
  expect_data();
  parts_.subscriptions.on_data(options_.canary);
}

void Session::expect_data() {
  liveness_.expect_data();
  look_again_.cancel();
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
    const auto error = exchange_error(answer.error_code);
    parts_.measurements.upstream.errors[error].add();
    if (error == ExchangeError::invalid_signature) parts_.clock.measure_again();
    const bool is_laid_to_a_request = parts_.subscriptions.on_error(
        answer.request_id, answer.error_code, answer.error_message, Clock::now());
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

/// Once a connection.
void Session::announce_search() {
  const auto in_question = parts_.subscriptions.in_question();
  if (in_question == 0 || std::exchange(has_told_search_, true)) return;
  parts_.log.info("streams wait until bad names are found", {{"streams", in_question}});
}

void Session::announce_rejections() {
  for (const auto& rejection : parts_.subscriptions.take_rejections()) {
    if (!parts_.subscriptions.state_of(rejection.stream)) {
      note_canary_refused(rejection);
      continue;
    }
    // First of all: /readyz shows the stream as rejected already, and is to say why.
    parts_.measurements.note_rejected(rejection.stream, {rejection.code, rejection.message});
    parts_.log.error(
        "rejected",
        {{"stream", rejection.stream}, {"code", rejection.code}, {"message", rejection.message}});
    parts_.status.rejected(rejection.stream, rejection.code, rejection.message);
  }
}

void Session::note_canary_refused(const Subscriptions::Rejection& rejection) {
  parts_.log.info("canary refused",
                  {{"stream", rejection.stream},
                   {"message", rejection.message},
                   {"effect",
                    "a mute exchange passes for a quiet market unless a ticker, markPrice "
                    "or bookTicker is wanted"},
                   {"check", "upstream.canary"}});
}

void Session::on_ping() { parts_.measurements.upstream.last_received_steady_ns.set(steady_ns()); }

void Session::on_pong(std::string_view payload) {
  auto& upstream = parts_.measurements.upstream;
  const auto now = steady_ns();
  upstream.last_received_steady_ns.set(now);
  look_again_.cancel();
  const auto* const end = payload.data() + payload.size();
  std::uint64_t request = 0;
  std::int64_t sent = 0;
  const auto [space, bad_request] = std::from_chars(payload.data(), end, request);
  if (bad_request != std::errc{} || space == end || *space != ' ') return;
  const auto [rest, bad_time] = std::from_chars(space + 1, end, sent);
  if (bad_time != std::errc{} || rest != end || sent > now) return;
  upstream.ping_rtt_s.set(static_cast<double>(now - sent) / 1e9);
  parts_.subscriptions.on_fence(request, Clock::now());
  announce_rejections();
  announce_search();
  subscribe_again_.cancel();
}

/// Logged at the 1st, 2nd, 4th, 8th … so that a confused exchange does not flood the log, and where
/// a fault is new. `fault` is one of a few texts that last.
void Session::note_malformed(std::string_view fault, std::size_t bytes) {
  const bool is_new = faults_.insert(fault).second;
  const auto count = parts_.measurements.upstream.malformed.value();
  if (is_new || std::has_single_bit(count))
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
  const auto exchange_ns = unix_ns() + parts_.measurements.upstream.exchange_ahead_ns.value();
  return proto::signed_subscribe_request(request.streams, request.id, *parts_.key,
                                         exchange_ns / 1'000'000, options_.window_ms);
}

}  // namespace bpx::bridge
