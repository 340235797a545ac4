#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
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
/// it. A guilty set is halved, each half a probe, until the culprits stand alone. Streams that
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

  struct Options {
    std::size_t batch = 100;  ///< names in one request
    Timing timing{};
  };

  enum class State : std::uint8_t {
    waiting,    ///< not yet asked for on this connection
    requested,  ///< asked for, no data yet, nothing known against it
    live,       ///< has delivered data on this connection
    rejected,   ///< refused by the exchange; asked for again on the next connection
  };

  /// One SUBSCRIBE to send now. The views are valid while this object lives.
  struct Request {
    std::uint64_t id = 0;
    bool is_private = false;  ///< to be signed; a request is either wholly private or wholly public
    bool is_afresh = false;   ///< an UNSUBSCRIBE of the same streams goes before it
    std::vector<std::string_view> streams;
  };

  /// A stream that the exchange has newly refused, with its own words.
  struct Rejection {
    std::string_view stream;
    std::int64_t code = 0;
    std::string message;
  };

  Subscriptions(const Options& options, const std::vector<std::string>& wanted);

  /// A new connection stands: everything wanted is to be asked for again. What was rejected before
  /// is asked for last and apart, since the exchange may have learned the name meanwhile.
  void connection_opened();

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

  /// Whether every stream has been asked for and none refused.
  bool all_requested() const { return count(State::waiting) == 0 && count(State::rejected) == 0; }

 private:
  using Index = std::uint32_t;
  using Indices = std::vector<Index>;

  struct Wanted {
    std::string name;
    bool is_private = false;
    bool is_in_doubt = false;
    bool is_acknowledged = false;  ///< by the exchange itself, on this connection
    State state = State::waiting;
  };

  /// What a set of streams has been through already.
  struct Record {
    int signatures_refused = 0;
    bool is_second_look = false;  ///< at a single stream: guilty again, it is rejected
    bool is_afresh = false;       ///< likewise, and no repetition of what was asked for before
  };

  /// Streams to be asked for together.
  struct Probe {
    Indices streams;
    Record record{};
    TimePoint not_before{};
  };

  struct SentRequest {
    Indices streams;
    Record record{};
  };

  struct Verdict {
    std::int64_t code;
    std::string_view message;
    bool is_certain;  ///< the exchange named the request
    TimePoint now;

    bool is_documented() const;
  };

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
  void look_again(Indices guilty, const Record& record, const Verdict& verdict);
  void halve(const Indices& guilty);
  void retry_signature(Indices guilty, int refused, const Verdict& verdict);
  void reject(const Indices& guilty, const Verdict& verdict);
  void set_state(Index stream, State state);

  Options options_;
  std::vector<Wanted> wanted_;
  std::unordered_map<std::string_view, Index> by_name_;
  std::array<std::size_t, 4> counts_{};

  std::deque<Probe> probes_;  ///< still to be sent
  Probe probe_;               ///< being sent or in doubt
  Indices unsent_;            ///< of probe_, in reverse order
  std::size_t in_doubt_ = 0;  ///< of probe_: sent, and neither accused nor acquitted
  TimePoint verdict_at_{};
  TimePoint quiet_until_{};
  TimePoint burst_ends_{};
  Milliseconds verdict_after_{};
  bool needs_audit_ = false;
  int audits_ = 0;

  std::map<std::uint64_t, SentRequest> requests_;  ///< of this connection, by id
  std::uint64_t last_id_ = 0;
  std::vector<Rejection> rejections_;
};

std::string_view to_string(Subscriptions::State state);

}  // namespace bpx::bridge
