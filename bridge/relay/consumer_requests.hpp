#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/observe/minute_count.hpp"
#include "bridge/publish/subscription.hpp"
#include "bridge/relay/answers.hpp"
#include "bridge/relay/demand.hpp"
#include "bridge/relay/listeners.hpp"
#include "bridge/relay/rate_limit.hpp"
#include "bridge/relay/stream_table.hpp"

#include <cstddef>
#include <cstdint>

namespace bpx::bridge {

/// What consumers want, as their subscriptions tell: counts who listens to which stream, warns of
/// those that get more than they name, and has requests answered. One thread.
class ConsumerRequests final : public SubscriptionReceiver {
 public:
  static constexpr std::size_t kAnsweredPerSecond = 100;
  /// Of so many subscriptions that bring more than they name the log warns each minute.
  static constexpr std::uint64_t kWarnedPerMinute = 100;

  /// `demand` is null where consumers do not decide what is asked of the exchange.
  ConsumerRequests(StreamTable& streams, Answers& answers, Demand* demand,
                   Measurements& measurements, Log& log);

  bool on_subscription(const Subscription& subscription) override;

 private:
  void note_everything(const Subscription& subscription);
  bool note_interest(const Subscription& subscription);
  Stream* find_stream(const Subscription& subscription) const;
  void warn_of_prefix(const Subscription& subscription, const Stream& stream);
  void answer(const Subscription& subscription, const proto::ReplayRequest& request);
  void note_malformed(const Subscription& subscription, std::string_view fault);

  StreamTable& streams_;
  Answers& answers_;
  Demand* demand_;
  Measurements& measurements_;
  Log& log_;
  Listeners listeners_;
  Listeners to_everyones_, to_accounts_;  ///< to all that the endpoint has
  RateLimit<kAnsweredPerSecond> limit_;
  MinuteCount prefix_subscriptions_;
};

}  // namespace bpx::bridge
