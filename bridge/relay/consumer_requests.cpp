#include "bridge/relay/consumer_requests.hpp"

#include "bridge/clock.hpp"

#include <bit>

namespace bpx::bridge {

using Kind = proto::ReplayRequest::Kind;

ConsumerRequests::ConsumerRequests(StreamTable& streams, Answers& answers, Demand* demand,
                                   Measurements& measurements, Log& log)
    : streams_(streams),
      answers_(answers),
      demand_(demand),
      measurements_(measurements),
      log_(log) {}

bool ConsumerRequests::on_subscription(const Subscription& subscription) {
  const auto request = proto::ReplayRequest::parse(subscription.topic);
  if (request.kind == Kind::none) return note_interest(subscription);
  if (subscription.begins)
    answer(subscription, request);
  else
    answers_.give_up(subscription);
  return false;
}

/// No topic is the beginning of every topic.
void ConsumerRequests::note_everything(const Subscription& subscription) {
  const bool is_account = subscription.audience == Audience::account;
  auto& endpoint = is_account ? measurements_.account : measurements_.everyone;
  if (const auto listeners = (is_account ? to_accounts_ : to_everyones_).take(subscription))
    endpoint.to_everything.set(*listeners);
}

bool ConsumerRequests::note_interest(const Subscription& subscription) {
  if (subscription.topic.empty()) {
    note_everything(subscription);
    return false;
  }
  const bool is_demand = demand_ != nullptr && demand_->stream_of(subscription);
  if (!is_demand && find_stream(subscription) == nullptr) return false;
  if (const auto listeners = listeners_.take(subscription)) {
    if (is_demand) demand_->on_listeners(subscription, *listeners, steady_ns());
    if (auto* const stream = find_stream(subscription)) {
      stream->measurements->subscriptions.set(*listeners);
      if (subscription.begins) warn_of_prefix(subscription, *stream);
    }
  }
  return find_stream(subscription) != nullptr;
}

/// Whose topic is exactly the one subscribed to; null where there is none on this endpoint.
Stream* ConsumerRequests::find_stream(const Subscription& subscription) const {
  auto* const stream = streams_.find_topic(subscription.topic);
  return stream != nullptr && stream->audience == subscription.audience ? stream : nullptr;
}

/// At level debug beyond so many a minute: who comes and goes does not flood the log.
void ConsumerRequests::warn_of_prefix(const Subscription& subscription, const Stream& stream) {
  const auto* const other = streams_.find_caught_with(stream);
  if (other == nullptr) return;
  const auto count = prefix_subscriptions_.add(steady_ns());
  log_.write(count <= kWarnedPerMinute ? LogLevel::warn : LogLevel::debug, "prefix subscription",
             {{"topic", subscription.topic},
              {"brings_too", other->topic},
              {"peer", subscription.peer},
              {"check", "that it compares topics; or set publish.topic_terminator"}});
  if (count == kWarnedPerMinute)
    log_.warn("many prefix subscriptions", {{"within_a_minute", count},
                                            {"further", "at log.level debug alone"},
                                            {"peer", subscription.peer}});
}

void ConsumerRequests::answer(const Subscription& subscription,
                              const proto::ReplayRequest& request) {
  if (request.kind == Kind::malformed) return note_malformed(subscription, request.fault);
  if (!limit_.admits(steady_ns(), subscription.caller) || !answers_.ask(subscription))
    measurements_.replays[ReplayResult::limited].add();
}

/// Logged at the 1st, 2nd, 4th, 8th … so that a confused consumer does not flood the log.
void ConsumerRequests::note_malformed(const Subscription& subscription, std::string_view fault) {
  auto& malformed = measurements_.replays[ReplayResult::malformed];
  malformed.add();
  if (const auto count = malformed.value(); std::has_single_bit(count))
    log_.warn("malformed request",
              {{"fault", fault}, {"peer", subscription.peer}, {"count", count}});
}

}  // namespace bpx::bridge
