#include "bridge/upstream/session.hpp"

#include "bridge/clock.hpp"
#include "bridge/upstream/dialler.hpp"
#include "proto/stream_name.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <bit>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// How long after a connection's first message the streams that lost something are gathered into
/// one line.
constexpr std::chrono::seconds kGatherLosses{10};

/// Lines within a minute of what may befall thousands of streams at once.
constexpr std::uint64_t kFew = 100;

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
      writer_(executor,
              {.write_timeout = options_.liveness.idle_timeout,
               .close_grace = options_.close_grace,
               .window_ms = options_.window_ms},
              {.subscriptions = parts_.subscriptions,
               .liveness = liveness_,
               .measurements = parts_.measurements.upstream,
               .key = parts_.key},
              [this] { announce_verdicts(); }),
      oddities_(parts_.log, parts_.measurements.upstream, parts_.key != nullptr),
      gaps_(parts_.log,
            {.few = kFew, .many = "many gaps", .check = "gaps of each stream in /status"}),
      rejections_(parts_.log, {.few = kFew,
                               .many = "many rejected",
                               .check = "/status tells which streams are rejected, and why"}),
      recoveries_(parts_.log, {.many = "many no longer rejected",
                               .check = "/status tells which streams are rejected"}),
      look_again_(executor),
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
  writer_.begin(pace);
  measure_start();
  parts_.log.info("connected",
                  {{"connection", connection}, {"host", options_.connection.dialler.site().host}});
  parts_.status.connected(connection);
  auto end = co_await relay_until_end(*opened.connection, pace);
  if (is_no_good(end)) options_.connection.dialler.note_failure(opened.attempt);
  co_return end;
}

/// Whether another of the exchange's addresses may do better: one that greets and then brings
/// nothing, or falls silent, would be tried first for ever.
bool Session::is_no_good(const End& end) const {
  const auto reason = std::get<Disconnect>(end.why).reason;
  if (reason == DisconnectReason::local) return false;
  return first_data_ == Clock::time_point{} || reason == DisconnectReason::idle ||
         reason == DisconnectReason::mute;
}

void Session::subscriptions_changed() { writer_.wake(); }

void Session::clock_measured() { writer_.clock_measured(); }

void Session::stop() {
  is_stopping_ = true;
  stop_signal_.cancel();
}

asio::awaitable<Session::End> Session::relay_until_end(WsConnection& connection, Pace pace) {
  const auto first = co_await (note_failure(connection.read_messages(*this)) ||
                               note_failure(writer_.run(connection, pace)) ||
                               note_failure(watch_liveness(connection)) ||
                               note_failure(close_when_stopped(connection)));
  parts_.subscriptions.connection_closed();
  tell_what_was_lost_between();
  if (failure_) std::rethrow_exception(failure_);
  auto why = std::visit([](const Disconnect& disconnect) { return disconnect; }, first);
  if (is_stopping_) why = {DisconnectReason::local, "stopped"};
  measure_end(why.reason);
  co_return End{why, duration_cast<milliseconds>(last_data_ - first_data_)};
}

void Session::measure_start() {
  streams_with_loss_ = ids_lost_ = 0;
  has_told_loss_ = false;
  search_ = Search::none;
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

asio::awaitable<Disconnect> Session::watch_liveness(WsConnection& connection) {
  for (;;) {
    const Liveness::Heard heard{.anything = connection.last_received(), .data = last_data_};
    const auto now = Clock::now();
    const auto end = liveness_.end(heard, now);
    if (now >= end.at) {
      connection.abort();
      co_return Disconnect{end.reason,
                           end.reason == DisconnectReason::mute
                               ? "no data for " + lasted(now - heard.data)
                               : describe_silence(now - heard.anything, writer_.is_ping_due())};
    }
    if (now >= liveness_.ping_due(heard)) {
      liveness_.pinged(heard.anything, now);
      writer_.ping();
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
    case Relayed::Outcome::malformed:
      oddities_.note_malformed(relayed.envelope.fault, message.size());
      break;
    case Relayed::Outcome::undelivered: oddities_.note_undelivered(relayed.envelope.stream); break;
  }
}

void Session::on_message_in_sight(std::string_view message) { parts_.relay.foresee(message); }

void Session::note_data(const Moment& received) {
  last_data_ = Clock::time_point(std::chrono::nanoseconds(received.steady_ns));
  parts_.measurements.upstream.last_received_steady_ns.set(received.steady_ns);
  if (first_data_ == Clock::time_point{}) first_data_ = last_data_;
}

void Session::on_data(const Relayed& relayed) {
  if (relayed.gap) announce_gap(relayed);
  if (last_data_ - first_data_ >= kGatherLosses) tell_what_was_lost_between();
  if (!relayed.is_first_of_stream) return;
  const auto stream = relayed.envelope.stream;
  if (stream == options_.canary ||
      (proto::is_ticking(stream) && parts_.subscriptions.state_of(stream)))
    expect_data();
  parts_.subscriptions.on_data(stream);
  announce_recoveries();
}

void Session::on_canary() {
  expect_data();
  parts_.subscriptions.on_data(options_.canary);
  announce_recoveries();
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
  const Log::Fields fields = {
      {"stream", relayed.envelope.stream}, {"expected", expected}, {"got", got}, {"gaps", gaps}};
  if (is_news)
    gaps_.write(LogLevel::warn, "gap", fields);
  else
    parts_.log.debug("gap", fields);
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
    if (search_ == Search::none) search_ = Search::to_tell;
    oddities_.note_error(answer, is_laid_to_a_request);
  }
  writer_.wake();
}

/// Once a connection.
void Session::announce_search() {
  if (search_ != Search::to_tell) return;
  const auto in_question = parts_.subscriptions.in_question();
  if (in_question == 0) return;
  search_ = Search::told;
  parts_.log.info("streams wait until bad names are found", {{"streams", in_question}});
}

void Session::announce_verdicts() {
  announce_recoveries();
  announce_rejections();
}

/// Where the exchange has room again, many are taken at once.
void Session::announce_recoveries() {
  for (const auto& stream : parts_.subscriptions.take_recoveries()) {
    if (parts_.subscriptions.state_of(stream))
      recoveries_.write(LogLevel::info, "no longer rejected", {{"stream", stream}});
    else if (stream == options_.canary)
      parts_.log.info("canary accepted", {{"stream", stream}});
  }
}

void Session::announce_rejections() {
  for (const auto& rejection : parts_.subscriptions.take_rejections()) {
    if (!parts_.subscriptions.state_of(rejection.stream)) {
      note_canary_refused(rejection);
      continue;
    }
    // First of all: /readyz shows the stream as rejected already, and is to say why.
    parts_.measurements.note_rejected(rejection.stream, {rejection.code, rejection.message});
    rejections_.write(
        LogLevel::error, "rejected",
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
  const auto fence = RequestWriter::read_fence(payload);
  if (!fence) return;
  upstream.ping_rtt_s.set(static_cast<double>(now - fence->sent_steady_ns) / 1e9);
  parts_.subscriptions.on_fence(fence->request, Clock::now());
  announce_verdicts();
  announce_search();
  writer_.wake();
}

}  // namespace bpx::bridge
