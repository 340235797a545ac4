#pragma once

#include "bridge/observe/counter.hpp"
#include "bridge/observe/histogram.hpp"
#include "bridge/observe/roster.hpp"
#include "bridge/observe/shared_text.hpp"
#include "bridge/observe/vocabulary.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bpx::bridge {

/// What the bridge counts and measures of itself. The relaying thread writes, unless said
/// otherwise; any thread reads. Whoever writes keeps a reference and pays an addition, never a
/// look-up. Wall-clock times are Unix nanoseconds, 0 for never.

/// How late messages are: received − event time, by two clocks. Where the exchange's is ahead of
/// ours, a message may come before its time: it counts as not late at all, and apart from that with
/// what it was early.
struct LagMeasurements {
  explicit LagMeasurements(std::span<const std::int64_t> bounds_ns) : late(bounds_ns) {}

  Histogram late;
  Counter early;           ///< messages, which are in the histogram too
  Gauge<double> early_ns;  ///< by which they were, in all

  void observe(std::int64_t ns) {
    late.observe(std::max<std::int64_t>(ns, 0));
    if (ns >= 0) return;
    early.add();
    early_ns.set(early_ns.value() - static_cast<double>(ns));
  }

  double sum_ns() const { return late.sum_ns() - early_ns.value(); }
};

/// Of one stream.
struct StreamMeasurements {
  StreamMeasurements(std::string_view stream, LagMeasurements& lag_of_type);

  const std::string name;
  const bool is_private;
  const bool is_numbered;  ///< its messages bear ids that show gaps
  LagMeasurements& lag;    ///< shared by all streams of its type

  Counter messages;   ///< received
  Counter bytes;      ///< received, of payload
  Counter published;  ///< the topic's sequence
  Counter gaps;       ///< times that ids were missing
  Counter missing;    ///< ids missing in all
  Gauge<std::int64_t> last_gap_ns;
  Gauge<std::int64_t> last_received_ns;
  Gauge<std::int64_t> last_received_steady_ns;  ///< likewise, for its age
  Gauge<StreamState> state;
  Gauge<std::uint64_t> subscriptions;  ///< of consumers, to exactly this topic
  Gauge<BookState> book;
  Counter book_resyncs;  ///< times that the book had to be built anew
};

/// Of the canary while nobody wants its stream: what has come of it, and went no further.
struct CanaryMeasurements {
  Counter messages;
  Counter bytes;
};

/// Of the connection to the exchange.
struct UpstreamMeasurements {
  static constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

  Gauge<LinkState> state{LinkState::connecting};
  Gauge<std::uint32_t> connection;   ///< the current or last one, counted from 1
  Gauge<std::int64_t> connected_ns;  ///< when that one was made
  CounterOfEach<kConnectResults> connects;
  CounterOfEach<kDisconnectReasons> disconnects;
  CounterOfEach<kExchangeErrors> errors;
  CounterOfEach<kRequestMethods> requests;  ///< sent
  Counter malformed;
  Gauge<std::int64_t> last_received_steady_ns;  ///< message or pong on this connection
  Gauge<double> ping_rtt_s{kUnknown};
  Gauge<double> clock_offset_s{kUnknown};  ///< the exchange's clock − ours; observing thread
  Gauge<std::int64_t> exchange_ahead_of_boot_ns;  ///< its clock − boot_ns(), the last one known
  Gauge<double> clock_tolerance_s;  ///< beyond it signatures are in danger; set at the start
  Gauge<ConnectResult> last_attempt{ConnectResult::ok};
  Gauge<DisconnectReason> last_disconnect{DisconnectReason::local};
  Gauge<std::int64_t> last_disconnect_ns;

  std::uint64_t reconnects() const;  ///< connections after the first
};

/// Of the public or the private ZeroMQ endpoint.
struct EndpointMeasurements {
  Counter messages, bytes;                 ///< published; bytes of payload
  Counter slow_episodes;                   ///< times a consumer's queue became full
  Gauge<std::int64_t> last_slow_ns;        ///< when it did last
  Counter evicted;                         ///< for publish.queue_bytes; the doorkeeper's thread
  Gauge<std::int64_t> last_evicted_ns;     ///< likewise
  Counter auth_failures;                   ///< peers refused; the doorkeeper's thread
  Gauge<std::uint64_t> peers;              ///< likewise
  Counter departures;                      ///< connections that ended; likewise
  Counter handshake_failures;              ///< connections that never became a consumer's; likewise
  CounterOfEach<kTurnedAway> turned_away;  ///< `crowded` likewise
  CounterOfEach<kConsumerRequests> requests;
  Gauge<std::uint64_t> to_everything;  ///< consumers that subscribe to all there is
  Roster consumers;
};

/// Of the sink to NATS JetStream; nothing but zeros where there is none. Written by that sink's
/// thread, unless said otherwise.
struct JetStreamMeasurements {
  JetStreamMeasurements();

  Gauge<bool> is_enabled{false};  ///< set at the start
  Gauge<bool> connected{false};   ///< and the server takes messages
  Counter connects;
  Counter published;          ///< handed to the sink, which had room; the relaying thread
  Counter overflowed;         ///< lost for want of room; the relaying thread
  Counter refused;            ///< lost because the server will never take them
  Counter acknowledged;       ///< stored
  Histogram acknowledgement;  ///< sent → acknowledged
  Gauge<bool> is_losing{false};
  SharedText fault;  ///< why it is not connected

  std::uint64_t lost() const { return overflowed.value() + refused.value(); }
  std::uint64_t pending() const;     ///< not acknowledged yet
  std::uint64_t reconnects() const;  ///< connections after the first
};

/// HTTP clients whose connection was ended. Written by the observing thread.
using HttpRefusals = CounterOfEach<kHttpRefusals>;

/// A stream that the exchange refuses, and its words.
struct RejectedStream {
  std::int64_t code = 0;
  std::string message;
};

/// A stream that consumers brought about by subscribing to it.
struct OnDemandStream {
  StreamState state = StreamState::waiting;
  std::uint64_t subscribers = 0;
};

class Measurements {
 public:
  /// `streams`: those configured, each of which is measured by itself.
  explicit Measurements(const std::vector<std::string>& streams);

  /// The measurements of `stream`, or for one that is not configured, of all such together.
  StreamMeasurements& of(std::string_view stream);

  bool is_configured(std::string_view stream) const;

  /// Configured streams may come and go. One that comes again has its counts of before; one that
  /// goes is no longer shown. What consumers have brought about before goes on as it is. By the
  /// relaying thread.
  void add_configured(std::string_view stream);
  void remove_configured(std::string_view stream);

  /// Those configured now, in the order in which they came.
  std::vector<std::reference_wrapper<const StreamMeasurements>> streams() const;
  const StreamMeasurements& others() const { return others_; }
  /// By the first word of the stream's name, for those configured and `other`.
  std::vector<std::pair<std::string_view, const LagMeasurements&>> lag() const;

  /// For what happens a handful of times a connection. Thread safe.

  /// Kept of configured streams.
  void note_rejected(std::string_view stream, RejectedStream rejected);
  std::map<std::string, RejectedStream> rejected() const;

  void add_on_demand(std::string_view stream);
  void remove_on_demand(std::string_view stream);
  /// These do nothing where the stream has not been added.
  void set_on_demand_state(std::string_view stream, StreamState state);
  void set_on_demand_subscribers(std::string_view stream, std::uint64_t subscribers);
  /// Of these, what is not configured as well.
  std::map<std::string, OnDemandStream, std::less<>> on_demand() const;

  Histogram forward;  ///< received → handed to ZeroMQ
  UpstreamMeasurements upstream;
  CanaryMeasurements canary;
  EndpointMeasurements everyone;
  EndpointMeasurements account;
  JetStreamMeasurements jetstream;
  CounterOfEach<kReplayResults> replays;
  Gauge<std::uint64_t> queued_bytes;  ///< payload that libzmq still holds; the doorkeeper's thread
  Gauge<std::uint64_t> replay_backlog;  ///< bytes of replays and books that wait to be taken
  HttpRefusals http_refusals;
  Counter on_demand_refused;  ///< subscriptions in vain: too many are wanted, or of one consumer
  Gauge<std::int64_t> last_turn_steady_ns;  ///< of the relaying thread's event loop

 private:
  struct Known {
    StreamMeasurements* measured;
    bool is_configured;
  };

  std::map<std::string, LagMeasurements, std::less<>> lag_;  // by the relaying thread, under mutex_
  std::deque<StreamMeasurements> known_;  // a deque: references to its elements stay valid
  StreamMeasurements others_;
  std::unordered_map<std::string_view, Known> by_name_;

  mutable std::mutex mutex_;  // containers cannot be atomic; never taken on the way of a message
  std::vector<std::reference_wrapper<const StreamMeasurements>> configured_;
  std::map<std::string, RejectedStream> rejected_;
  std::map<std::string, OnDemandStream, std::less<>> on_demand_;
};

}  // namespace bpx::bridge
