#pragma once

#include "bridge/publish/audience.hpp"

#include <cstdint>
#include <string_view>

namespace bpx::bridge {

/// The connection by which a consumer's request came.
struct Caller {
  int descriptor = -1;       ///< -1: unknown, see Callers
  std::uint64_t number = 0;  ///< from 1; a later connection's is higher

  bool is_known() const { return descriptor >= 0; }

  bool operator==(const Caller&) const = default;
};

/// A consumer has subscribed to a topic, or has ended such a subscription, be it by leaving. Of one
/// whose caller is known that is told when it does so for the first time, when it repeats it, and
/// when it ends what it began. That it left is told twice, before, or after, without a caller.
/// ZeroMQ matches by prefix: `topic` may be the beginning of many. The views are valid during the
/// call that hands it over.
struct Subscription {
  Audience audience = Audience::everyone;  ///< of the endpoint it came to
  bool begins = true;
  std::string_view topic;
  std::string_view
      peer;  ///< address of the consumer; empty where libzmq does not tell, as at its end
  Caller caller;
  bool has_left = false;     ///< it ends since the caller has gone
  bool is_repeated = false;  ///< the caller has it already
};

/// Takes what consumers subscribe to. Called on the publisher's thread; may publish.
class SubscriptionReceiver {
 public:
  /// Returns whether the topic is a stream's, which many consumers share.
  virtual bool on_subscription(const Subscription& subscription) = 0;

 protected:
  ~SubscriptionReceiver() = default;
};

}  // namespace bpx::bridge
