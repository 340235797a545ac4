#include "bridge/publish/jetstream.hpp"

#include "bridge/bounded.hpp"
#include "bridge/clock.hpp"
#include "bridge/thread_name.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include <signal.h>
#include <sys/resource.h>

namespace bpx::bridge {
namespace {

using std::chrono::milliseconds;

/// From one batch to the next where more than one waits.
constexpr milliseconds kShortTurn{2};

/// Messages sent and not acknowledged: more would only wait in the server in place of here.
constexpr std::uint64_t kMostUnderWay = 4'096;

/// Likewise until a connection has acknowledged one: else what stands behind a message that is
/// refused would be stored again with each attempt, once the server has forgotten its id.
constexpr std::uint64_t kFirst = 1;

/// After a refusal, for what else is under way to be answered.
constexpr std::int64_t kRefusedPatienceNs = 1'000'000'000;

/// So long without loss ends an episode of losing.
constexpr std::int64_t kQuietNs = 5'000'000'000;

constexpr milliseconds kFirstRetry{100};
constexpr milliseconds kLastRetry{5'000};

/// A connection that has lasted so long was a good one: the next attempt is a first one again. A
/// server that takes a message now and then between two ends is not asked ever again at once.
constexpr std::int64_t kGoodNs = 5'000'000'000;

/// Of the calling thread: ZeroMQ's consumers come first where cores are short, and a connection
/// that ended is no reason to end the program.
void settle_in() {
  constexpr int kNiceness = 10;
  setpriority(PRIO_PROCESS, 0, kNiceness);  // which Linux takes to be this thread alone
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

std::string_view to_string(JetStream::Event event) {
  switch (event) {
    case JetStream::Event::connected: return "connected";
    case JetStream::Event::disconnected: return "disconnected";
    case JetStream::Event::losing: return "losing";
    case JetStream::Event::keeping_up: break;
  }
  return "keeping up";
}

JetStream::JetStream(Options options, JetStreamMeasurements& measurements, Log& log)
    : options_(std::move(options)),
      measurements_(measurements),
      log_(log),
      window_(options_.max_pending, kMaxBytes) {
  measurements_.is_enabled.set(true);
  measurements_.fault.set("not connected yet");
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

JetStream::~JetStream() = default;

void JetStream::publish(Audience audience, std::string_view stream, std::string_view payload,
                        const proto::MessageHeader& header) {
  if (audience == Audience::account && !options_.include_private) return;
  if (!window_.push(stream, payload, header)) return measurements_.overflowed.add();
  measurements_.published.add();
  // The sink announces from when on it wants to be woken up, and then looks whether that has come.
  // In the one order of push() and these, either it or this looks late enough.
  auto hurry_at = hurry_at_.load();
  if (window_.end() >= hurry_at && hurry_at_.compare_exchange_strong(hurry_at, kNobody))
    wakeup_.ring();
}

std::future<void> JetStream::close() {
  constexpr std::int64_t kNsPerMs = 1'000'000;
  end_steady_ns_.store(steady_ns() + options_.linger.count() * kNsPerMs);
  wakeup_.ring();
  return has_ended_.get_future();
}

void JetStream::run(const std::stop_token& stop) {
  name_this_thread("jetstream");
  settle_in();
  const std::stop_callback ring(stop, [this] { wakeup_.ring(); });
  auto retry = kFirstRetry;
  for (std::size_t attempt = 0; !is_over(stop); ++attempt) {
    const auto cause = serve(attempt, stop);
    if (!cause || is_over(stop)) break;
    if (is_connected_ && steady_ns() - connected_steady_ns_ >= kGoodNs) retry = kFirstRetry;
    note_disconnected(server(attempt).url, *cause, retry);
    pause(retry, stop, [this, was_closing = is_closing()] { return is_closing() != was_closing; });
    retry = std::min(retry * 2, kLastRetry);
  }
  measurements_.connected.set(false);
  if (const auto left = window_.end() - window_.begin(); left > 0)
    log_.warn("jetstream left behind", {{"messages", left}});
  has_ended_.set_value();
}

/// In turn, and of each its addresses in turn.
const NatsServer& JetStream::server(std::size_t attempt) const {
  return options_.servers[attempt % options_.servers.size()];
}

std::optional<std::string> JetStream::serve(std::size_t attempt, const std::stop_token& stop) {
  const auto& server = this->server(attempt);
  auto opened =
      NatsConnection::open(server, options_.access, look_up_, patience(options_.patience, stop),
                           attempt / options_.servers.size());
  if (const auto* fault = std::get_if<NatsFault>(&opened)) return fault->cause;
  auto& to_server = std::get<std::unique_ptr<NatsConnection>>(opened);
  if (auto fault = prepare(*to_server, stop)) return fault;
  JetStreamConnection connection(std::move(to_server), options_.stream.name,
                                 options_.stream.subject_prefix);
  const auto resumed_at = window_.begin();
  next_ = resumed_at;
  takes_messages_ = false;
  refusal_.reset();
  last_progress_steady_ns_ = steady_ns();
  while (!is_over(stop)) {
    const bool was_idle = next_ <= window_.begin();
    if (!refusal_) send(connection);
    connection.exchange();
    if (was_idle) last_progress_steady_ns_ = steady_ns();  // no time of our own is the server's
    take_answers(connection);
    if (auto cause = trouble(connection)) return cause;
    takes_messages_ = takes_messages_ || window_.begin() > resumed_at;
    const bool is_of_use = takes_messages_ || next_ == window_.begin();
    if (is_of_use && !std::exchange(is_connected_, true)) note_connected(server.url);
    rest(stop);
  }
  return std::nullopt;
}

/// Sees to it that there is a stream.
std::optional<std::string> JetStream::prepare(NatsConnection& connection,
                                              const std::stop_token& stop) {
  const auto result =
      find_or_create(connection, options_.stream, patience(options_.patience, stop));
  if (const auto* fault = std::get_if<NatsFault>(&result)) return fault->cause;
  const auto& found = std::get<FoundStream>(result);
  if (found.is_new) log_.info("jetstream stream created", {{"stream", options_.stream.name}});
  std::string differences;
  for (const auto& difference : found.differences)
    differences.append(differences.empty() ? "" : "; ").append(difference);
  const bool is_news = std::exchange(told_differences_, differences) != differences;
  if (is_news && !differences.empty())
    log_.warn("jetstream stream differs",
              {{"stream", options_.stream.name},
               {"found", bounded(differences)},
               {"mend", "change the stream or publish.jetstream; the bridge changes no stream"}});
  return std::nullopt;
}

void JetStream::send(JetStreamConnection& connection) {
  const auto end =
      std::min(window_.end(), window_.begin() + (takes_messages_ ? kMostUnderWay : kFirst));
  const auto now = steady_ns();
  // Behind what is taken out there may be what was settled on the connection before.
  const auto skip_what_is_gone = [&] { next_ = std::max(next_, window_.begin()); };
  skip_what_is_gone();
  for (; next_ < end && connection.has_room(); ++next_, skip_what_is_gone()) {
    if (window_.is_settled(next_)) continue;
    auto& message = window_.at(next_);
    message.sent_steady_ns = now;
    if (!connection.send(message, next_)) give_up(next_, "the server takes none like it");
  }
}

void JetStream::take_answers(JetStreamConnection& connection) {
  const auto now = steady_ns();
  const auto oldest = window_.begin();
  while (const auto answer = connection.next_answer()) take(*answer, now);
  if (window_.begin() > oldest) last_progress_steady_ns_ = now;
}

void JetStream::take(const JetStreamConnection::Answer& answer, std::int64_t now_steady_ns) {
  using Kind = JetStreamConnection::Answer::Kind;
  if (answer.kind == Kind::forbidden) return give_up_all_of(answer.stream, answer.cause);
  if (answer.number < window_.begin() || answer.number >= next_) return;
  if (answer.kind == Kind::never) return give_up(answer.number, answer.cause);
  if (answer.kind == Kind::refused) {
    if (refusal_)
      ++refusal_->messages;
    else
      refusal_ = {.cause = answer.cause, .steady_ns = now_steady_ns};
    return;
  }
  const auto sent_steady_ns = window_.at(answer.number).sent_steady_ns;
  if (!window_.settle(answer.number)) return;
  measurements_.acknowledged.add();
  measurements_.acknowledgement.observe(now_steady_ns - sent_steady_ns);
}

/// Why the connection is to be ended, if it is.
std::optional<std::string> JetStream::trouble(const JetStreamConnection& connection) const {
  const auto now = steady_ns();
  if (refusal_) {
    const bool is_long_ago = now - refusal_->steady_ns > kRefusedPatienceNs;
    if (is_long_ago || connection.fault() || is_answered_but_for_refusals()) return refusal_->cause;
    return std::nullopt;
  }
  if (auto fault = connection.fault()) return fault;
  const bool is_waiting = next_ > window_.begin();
  const auto waited = std::chrono::nanoseconds(now - last_progress_steady_ns_);
  if (is_waiting && waited > options_.answer_patience)
    return "the oldest message has not been answered for " +
           std::to_string(options_.answer_patience.count()) + " ms";
  return std::nullopt;
}

bool JetStream::is_answered_but_for_refusals() const {
  std::uint64_t unsettled = 0;
  for (auto number = window_.begin(); number < next_; ++number)
    unsettled += window_.is_settled(number) ? 0 : 1;
  return unsettled <= refusal_->messages;
}

/// On a message that can never be stored: no other is to wait for it.
void JetStream::give_up(std::uint64_t number, std::string_view cause) {
  const std::string stream(window_.at(number).stream());
  const auto bytes = window_.at(number).payload().size();
  if (!window_.settle(number)) return;
  measurements_.refused.add();
  if (refusing_.begins(steady_ns()))
    log_.warn("jetstream message refused",
              {{"stream", stream}, {"bytes", bytes}, {"cause", bounded(cause)}});
}

/// On what is under way of a stream whose messages the server takes from nobody like us.
void JetStream::give_up_all_of(std::string_view stream, std::string_view cause) {
  for (auto number = window_.begin(); number < next_;
       number = std::max(number + 1, window_.begin()))
    if (!window_.is_settled(number) && window_.at(number).stream() == stream)
      give_up(number, cause);
}

void JetStream::note_connected(const std::string& server) {
  measurements_.connects.add();
  connected_steady_ns_ = steady_ns();
  measurements_.connected.set(true);
  measurements_.fault.set("");
  told_causes_.clear();
  log_.info("jetstream ready", {{"server", server}, {"stream", options_.stream.name}});
  options_.on_event(Event::connected, server);
}

/// A cause is told once until it is connected again: a server that is away is tried for long. Who
/// invents new ones is not listened to for ever.
void JetStream::note_disconnected(const std::string& server, const std::string& full_cause,
                                  milliseconds retry) {
  constexpr std::size_t kMostTold = 50;
  const auto cause = bounded(full_cause);
  measurements_.connected.set(false);
  measurements_.fault.set(cause);
  const bool was_connected = std::exchange(is_connected_, false);
  const bool is_news =
      told_causes_.size() < kMostTold && told_causes_.insert(server + ' ' + cause).second;
  if (is_news)
    log_.warn("jetstream not ready",
              {{"server", server}, {"cause", cause}, {"retry_ms", retry.count()}});
  if (was_connected) options_.on_event(Event::disconnected, cause);
}

/// Tells the beginning and the end of losing, not each message.
void JetStream::note_losses() {
  const auto lost = measurements_.lost();
  const auto now = steady_ns();
  if (lost != told_lost_) {
    told_lost_ = lost;
    last_loss_steady_ns_ = now;
    if (measurements_.is_losing.value()) return;
    measurements_.is_losing.set(true);
    log_.warn("jetstream losing messages",
              {{"lost", lost},
               {"pending", measurements_.pending()},
               {"cause",
                "more wait than publish.jetstream.max_pending or 256 MiB, or one can never be "
                "stored"}});
    options_.on_event(Event::losing, "");
  } else if (measurements_.is_losing.value() && now - last_loss_steady_ns_ > kQuietNs) {
    measurements_.is_losing.set(false);
    log_.info("jetstream keeping up", {{"lost", lost}, {"pending", measurements_.pending()}});
    options_.on_event(Event::keeping_up, "");
  }
}

bool JetStream::is_over(const std::stop_token& stop) const {
  if (stop.stop_requested()) return true;
  const auto end_steady_ns = end_steady_ns_.load();
  if (end_steady_ns == kNever) return false;
  return window_.begin() == window_.end() || steady_ns() >= end_steady_ns;
}

/// For this thread's own waiting: nobody needs the server any more once all is over.
NatsPatience JetStream::patience(milliseconds time, const std::stop_token& stop) const {
  return {time, [this, &stop] { return is_over(stop); }};
}

/// Until the next turn.
void JetStream::rest(const std::stop_token& stop) {
  const auto quarter = std::max<std::uint64_t>(options_.max_pending / 4, 1);
  const bool is_half_full = 2 * (window_.end() - window_.begin()) > options_.max_pending;
  if (next_ < window_.end() || is_half_full || refusal_ || is_closing())
    return pause(kShortTurn, stop, [] { return false; });
  const auto hurry_at = next_ + quarter;
  hurry_at_.store(hurry_at);
  pause(options_.turn, stop, [&] { return is_closing() || window_.end() >= hurry_at; });
}

/// Until the time is over, there is reason enough to end it, or all is to stop; losses are told
/// meanwhile. What might be reason enough rings.
void JetStream::pause(milliseconds time, const std::stop_token& stop,
                      const std::function<bool()>& is_enough) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (!is_enough() && !is_over(stop)) {
    note_losses();
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    if (left <= milliseconds{0}) return;
    wakeup_.wait(std::min(left, options_.turn));
  }
}

}  // namespace bpx::bridge
