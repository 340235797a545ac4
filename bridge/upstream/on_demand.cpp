#include "bridge/upstream/on_demand.hpp"

#include "bridge/clock.hpp"

#include <bit>
#include <utility>

namespace bpx::bridge {

OnDemand::OnDemand(Options options, Subscriptions& subscriptions, Session& session,
                   Measurements& measurements, Log& log)
    : is_enabled_(options.is_enabled),
      subscriptions_(subscriptions),
      session_(session),
      measurements_(measurements),
      log_(log),
      changes_(log, {.few = kLoggedPerMinute,
                     .many = "many changes on demand",
                     .check = "/status tells what is wanted now"}),
      demand_({.allow = std::move(options.allow),
               .always = std::move(options.always),
               .linger_ns = options.linger_ns,
               .topic_terminator = std::move(options.topic_terminator),
               .on_change = [this](std::string_view stream, bool is_wanted,
                                   std::uint64_t consumer) { change(stream, is_wanted, consumer); },
               .on_joined =
                   [this](std::string_view stream, std::uint64_t consumer) {
                     subscriptions_.want(stream, consumer);
                     session_.subscriptions_changed();
                   },
               .on_count =
                   [this](std::string_view stream, std::size_t subscribers) {
                     measurements_.set_on_demand_subscribers(stream, subscribers);
                   },
               .on_refused = [this](const Subscription& refused) { note_refused(refused); }}) {}

void OnDemand::expire() { demand_.expire(steady_ns()); }

void OnDemand::change(std::string_view stream, bool is_wanted, std::uint64_t consumer) {
  note_change(stream, is_wanted);
  if (is_wanted) {
    measurements_.add_on_demand(stream);
    subscriptions_.want(stream, consumer);
    if (const auto state = subscriptions_.state_of(stream))  // it may have been configured
      measurements_.set_on_demand_state(stream, *state);
  } else {
    subscriptions_.unwant(stream);
    measurements_.remove_on_demand(stream);
  }
  session_.subscriptions_changed();
}

/// Consumers may come and go as often as they like.
void OnDemand::note_change(std::string_view stream, bool is_wanted) {
  changes_.write(LogLevel::info, is_wanted ? "wanted on demand" : "no longer wanted",
                 {{"stream", stream}});
}

/// Logged at the 1st, 2nd, 4th, 8th … so that a confused consumer does not flood the log.
void OnDemand::note_refused(const Subscription& subscription) {
  measurements_.on_demand_refused.add();
  if (const auto count = measurements_.on_demand_refused.value(); std::has_single_bit(count))
    log_.warn("not wanted on demand", {{"topic", subscription.topic},
                                       {"peer", subscription.peer},
                                       {"count", count},
                                       {"max_streams", Demand::kMaxStreams},
                                       {"max_of_one_consumer", Demand::kMaxStreamsOfOne},
                                       {"check", "who wants so many; or configure the stream"}});
}

}  // namespace bpx::bridge
