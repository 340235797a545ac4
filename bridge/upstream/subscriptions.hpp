#pragma once

#include "bridge/observe/vocabulary.hpp"
#include "bridge/upstream/probe_queue.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bpx::bridge {

/// Which streams are wanted, how far each has come, and what to ask the exchange for next. A state
/// machine without I/O or clock: the caller says what time it is, sends what next_request() returns
/// and reports what comes back. One thread.
///
/// What makes this more than a list: the exchange does not acknowledge success, answers an error
/// with `id` null, and may drop a whole request for one bad name. So a set of streams is requested
/// as one *probe*, and no other probe is sent until the verdict is in: an error makes the set
/// guilty, its absence for `verdict_after` (or data on every stream, or acknowledgements) acquits
/// it. A guilty set is halved, each half a probe, until the culprits stand alone. Names that the
/// exchange has never accepted are asked for apart: not with those it has, nor with what another
/// consumer wants. Streams that
/// deliver data are acquitted at any time. Where a nameless error had to be laid to somebody, what
/// is still silent at the end is asked for once more, with more patience.
class Subscriptions {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  /// How patient to be with the exchange's answers.
  struct Timing {
    Milliseconds verdict_after{1'000};  ///< how long after a request its error may come
    Milliseconds settle{250};           ///< how long errors of one burst may lie apart
    Milliseconds signature_retry{500};  ///< before a signature is made anew; doubles each time
  };

  using State = StreamState;

  struct Options {
    std::size_t batch = 100;  ///< names in one request
    Timing timing{};
    /// Between two attempts at streams that are rejected because no signature is accepted.
    Milliseconds signature_again{30'000};
    /// Told of every change, from within the call that leads to it; may be empty.
    std::function<void(std::string_view stream, State)> on_change = {};
  };

  /// One SUBSCRIBE to send now, or one UNSUBSCRIBE. The views are valid until connection_opened()
  /// or want() is called.
  struct Request {
    std::uint64_t id = 0;
    bool is_end = false;      ///< UNSUBSCRIBE: nobody wants these streams, or they begin afresh
    bool is_private = false;  ///< to be signed; a request is either wholly private or wholly public
    std::vector<std::string_view> streams;
  };

  /// A stream that the exchange has newly refused, with its own words.
  struct Rejection {
    std::string stream;
    std::int64_t code = 0;
    std::string message;
  };

  Subscriptions(const Options& options, const std::vector<std::string>& wanted);

  /// From now on `stream` is wanted too, until unwant(), by the consumer of that number; 0 is
  /// nobody in particular. Where it is wanted already, and not judged yet, it is asked for with
  /// what this consumer wants as well: the names it came with first may be bad.
  void want(std::string_view stream, std::uint64_t wanted_by = 0);

  /// `stream` is no longer wanted, unless it is lasting.
  void unwant(std::string_view stream);

  /// Whether `stream`, which is wanted, stays so whatever unwant() says: as those wanted from the
  /// start do, at first.
  void set_lasting(std::string_view stream, bool is_lasting);

  /// A new connection stands: everything wanted is to be asked for again. What was accepted before
  /// comes first and by itself, then what else is configured. What was rejected before is asked for
  /// apart, since the exchange may have learned the name meanwhile.
  void connection_opened();

  /// The connection is gone: nothing is requested or live any more.
  void connection_closed();

  /// What to send now, if anything. Call until it returns nullopt, and again at next_deadline().
  std::optional<Request> next_request(TimePoint now);

  /// When next_request() may have something to say without further news; nullopt if never.
  std::optional<TimePoint> next_deadline() const;

  /// The first data of `stream` on this connection has come. Returns whether that settled the
  /// probe, so that next_request() is worth calling.
  bool on_data(std::string_view stream);

  void on_acknowledgement(std::optional<std::uint64_t> id);

  /// An error frame; `id` where the exchange echoed it. Returns false for an error that can be laid
  /// to no request.
  bool on_error(std::optional<std::uint64_t> id, std::int64_t code, std::string_view message,
                TimePoint now);

  /// The rejections since the last call, in the order found.
  std::vector<Rejection> take_rejections();

  /// nullopt for a stream that is not wanted.
  std::optional<State> state_of(std::string_view stream) const;

  /// How many streams are in each state.
  std::size_t count(State state) const { return counts_.at(static_cast<std::size_t>(state)); }

  /// How much is remembered: streams, requests, and places in what is yet to be asked. Follows what
  /// is wanted, whatever has come and gone.
  std::size_t remembered() const;

  /// Whether every stream has been asked for and none refused.
  bool all_requested() const { return count(State::waiting) == 0 && count(State::rejected) == 0; }

 private:
  using Index = Probe::Index;
  using Indices = Probe::Indices;
  using Record = Probe::Record;

  struct Wanted {
    std::string name;
    bool is_private = false;
    bool is_lasting = false;                 ///< configured, not wanted by consumers alone
    std::vector<std::uint64_t> wanted_by{};  ///< consumers, with each of whom it may be asked for
    bool is_wanted = true;
    bool is_in_doubt = false;
    bool is_acknowledged = false;  ///< by the exchange itself, on this connection
    bool was_accepted = false;     ///< in whatever way, be it on an earlier connection
    State state = State::waiting;

    Probe::Standing standing() const;
  };

  struct SentRequest {
    Indices streams;  ///< none once they are judged, and of an UNSUBSCRIBE
    Record record{};
  };

  struct Verdict {
    std::int64_t code;
    std::string_view message;
    bool is_certain;  ///< the exchange named the request
    TimePoint now;

    bool is_documented() const;
  };

  Index add(std::string_view name, bool is_lasting);
  void enqueue(Index stream);
  void join(Index stream, std::uint64_t wanted_by);
  Index add_newcomer(std::string_view name);
  void forget_unwanted();
  Request make_end_request();
  SentRequest& remember(std::uint64_t id);
  bool is_probing() const { return in_doubt_ > 0 || !unsent_.empty(); }
  bool begin_probe(TimePoint now);
  Request make_request(TimePoint now);
  void acquit(Index stream);
  void acquit_all();
  bool on_anonymous_error(const Verdict& verdict);
  Indices take_suspects(bool signatures_alone);
  void hold_until(TimePoint time);
  void begin_audit();
  void condemn(Indices guilty, const Record& record, const Verdict& verdict);
  void look_again(const Indices& guilty, const Record& record, const Verdict& verdict);
  void halve(const Indices& guilty, const Record& record);
  void retry_signature(Indices guilty, const Record& record, const Verdict& verdict);
  void reject(const Indices& guilty, const Verdict& verdict);
  void set_state(Index stream, State state);

  Options options_;
  std::deque<Wanted> wanted_;  // a deque: names never move, the map's keys are views of them
  std::unordered_map<std::string_view, Index> by_name_;
  std::array<std::size_t, 4> counts_{};

  ProbeQueue probes_;  ///< still to be sent
  Probe probe_;        ///< being sent or in doubt
  Indices unsent_;     ///< of probe_, in reverse order
  Indices ending_;     ///< to be unsubscribed from
  bool is_connected_ = false;
  std::size_t in_doubt_ = 0;  ///< of probe_: sent, and neither accused nor acquitted
  TimePoint verdict_at_{};
  TimePoint quiet_until_{};
  TimePoint answered_by_{};  ///< after that no answer to what has been asked can come any more
  TimePoint burst_ends_{};
  Milliseconds verdict_after_{};
  bool needs_audit_ = false;
  int audits_ = 0;

  std::map<std::uint64_t, SentRequest> requests_;  ///< of this connection, by id
  std::uint64_t last_id_ = 0;
  std::vector<Rejection> rejections_;
};

}  // namespace bpx::bridge
