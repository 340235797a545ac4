#pragma once

#include "bridge/observe/few_a_minute.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/relay/demand.hpp"
#include "bridge/upstream/session.hpp"
#include "bridge/upstream/subscriptions.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace bpx::bridge {

/// Has the exchange send what consumers want beyond what is configured, and shows it. One thread.
class OnDemand {
 public:
  struct Options {
    bool is_enabled = false;
    std::vector<std::string> allow;             ///< globs of what consumers may bring about
    std::set<std::string, std::less<>> always;  ///< streams that are configured
    std::int64_t linger_ns = 0;                 ///< for which a stream outlives its last subscriber
    std::string topic_terminator;
  };

  OnDemand(Options options, Subscriptions& subscriptions, Session& session,
           Measurements& measurements, Log& log);

  /// Who decides what is wanted; null where consumers do not.
  Demand* demand() { return is_enabled_ ? &demand_ : nullptr; }

  /// Likewise, whether they do or not: who tells it what is configured.
  Demand& streams_in_demand() { return demand_; }

  /// Lets go of what has not been wanted for long enough. To be called often.
  void expire();

 private:
  /// So many streams that come to be wanted or cease to be are logged each minute at level info.
  static constexpr std::uint64_t kLoggedPerMinute = 100;

  void change(std::string_view stream, bool is_wanted, std::uint64_t consumer);
  void note_change(std::string_view stream, bool is_wanted);
  void note_refused(const Subscription& subscription);

  bool is_enabled_;
  Subscriptions& subscriptions_;
  Session& session_;
  Measurements& measurements_;
  Log& log_;
  FewAMinute changes_;
  Demand demand_;
};

}  // namespace bpx::bridge
