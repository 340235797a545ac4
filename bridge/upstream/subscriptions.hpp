#pragma once

#include "bridge/observe/vocabulary.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bpx::bridge {

/// Which streams are wanted, how far each has come, and what to ask the exchange for next. A state
/// machine without I/O or clock: the caller says what time it is, sends what next_request() returns
/// with a *fence* behind it, a WebSocket ping of the request's id, and reports what comes back. One
/// thread.
///
/// The exchange does not acknowledge success, may answer an error with `id` null, and may drop a
/// whole request for one bad name. But it answers in order, so that a request is accepted once its
/// fence comes back and no error has. One that was refused is asked for once more in parts, as many
/// as may be asked for at once, down to single names; a name that is refused alone is *confirmed*,
/// asked for once more, before it is rejected. Where nothing is accepted any more but one refusal
/// follows the other, by a code that says nothing of names, the exchange is full, and what else is
/// to be asked with these waits too.
///
/// An error that comes behind its fence gives itself away: nothing is open any more that it could
/// be laid to, or all parts of what it was laid to are accepted. From then on there is one request
/// at a time, its verdict waits behind the fence, and what was accepted by silence is asked again.
class Subscriptions {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;
  using Milliseconds = std::chrono::milliseconds;
  using State = StreamState;

  /// What no operator sets. Both double each time.
  struct Timing {
    Milliseconds signature_retry{500};  ///< before a refused signature is made anew
    Milliseconds retry_first{15'000};   ///< before a rejected stream is asked for again
  };

  struct Options {
    std::size_t batch = 100;  ///< names in one request
    /// Until a stream that has delivered nothing is asked for again; doubles up to 16 times. 0:
    /// never.
    Milliseconds resubscribe_after{0};
    /// Between two attempts at a rejected stream, at most. 0: never.
    Milliseconds retry_rejected{0};
    Timing timing{};
    /// A stream that is requested on top, and shows nowhere unless it is wanted too; empty: none.
    std::string canary = {};
    /// Told of every change, from within the call that leads to it; may be empty.
    std::function<void(std::string_view stream, State)> on_change = {};
  };

  /// One SUBSCRIBE to send now, or one UNSUBSCRIBE. The views are valid until the next call.
  struct Request {
    std::uint64_t id = 0;
    bool is_end = false;      ///< UNSUBSCRIBE: nobody wants these streams any more
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

  /// From now on `stream` is wanted too, until unwant(), by the consumer of that number. Where it
  /// is wanted already, and not judged yet, it is asked for with what this consumer wants as well:
  /// the names it came with first may be bad.
  void want(std::string_view stream, std::uint64_t wanted_by = 0);

  /// `stream` is no longer wanted, unless it is lasting.
  void unwant(std::string_view stream);

  /// Whether `stream`, which is wanted, stays so whatever unwant() says: as those wanted from the
  /// start do, at first.
  void set_lasting(std::string_view stream, bool is_lasting);

  /// The symbols that the exchange has. A stream of another is doubtful, as is one of a type that
  /// nobody knows: it is asked for apart, and last. Until this is called, or with none, no symbol
  /// is doubted.
  void learn_markets(std::set<std::string, std::less<>> symbols) { symbols_ = std::move(symbols); }

  /// A new connection stands: everything wanted is to be asked for again. What was accepted before
  /// comes first and by itself, then what else is configured, then what consumers want, in turn;
  /// what was rejected before is asked for alone. `at_once` requests may be sent without a pause.
  void connection_opened(std::size_t at_once = 1'000);

  /// The connection is gone: nothing is requested or live any more.
  void connection_closed();

  /// What to send now, if anything. Call until it returns nullopt, and again at next_deadline().
  std::optional<Request> next_request(TimePoint now);

  /// When next_request() may have something to say without further news; nullopt if never.
  std::optional<TimePoint> next_deadline() const;

  /// The fence behind the request `id` came back.
  void on_fence(std::uint64_t id, TimePoint now);

  /// The first data of `stream` on this connection has come.
  void on_data(std::string_view stream);

  void on_acknowledgement(std::optional<std::uint64_t> id);

  /// An error frame; `id` where the exchange echoed it. Returns false for an error that can be laid
  /// to no request.
  bool on_error(std::optional<std::uint64_t> id, std::int64_t code, std::string_view message,
                TimePoint now);

  /// The rejections since the last call, in the order found; a refused canary among them.
  std::vector<Rejection> take_rejections() { return std::exchange(rejections_, {}); }

  /// nullopt for a stream that is not wanted.
  std::optional<State> state_of(std::string_view stream) const;

  /// How many streams are in each state.
  std::size_t count(State state) const { return counts_.at(static_cast<std::size_t>(state)); }

  /// How many streams were refused together with others and wait to be asked for in parts.
  std::size_t in_question() const;

  /// How much is remembered: streams, and places in what is asked or yet to be. Follows what is
  /// wanted, whatever has come and gone.
  std::size_t remembered() const;

  /// Whether every stream has been asked for and none refused.
  bool all_requested() const { return count(State::waiting) == 0 && count(State::rejected) == 0; }

 private:
  enum class Rank : std::uint8_t {
    kept,        ///< once accepted by the exchange
    configured,  ///< from the start, and not accepted yet
    canary,
    doubtful,  ///< of a symbol that the exchange does not list, or of an unknown type
    others,    ///< what consumers want, each with a lane of its own, and who is to be tried again
  };
  using Lane = std::pair<Rank, std::uint64_t>;
  static constexpr Lane kRetries{Rank::others, 0};

  enum class Refusal : std::uint8_t { none, signature, name, full };

  struct Stream {
    bool is_private = false;
    bool is_lasting = false;      ///< wanted from the start, and for good
    bool is_wanted = true;        ///< or but a canary
    std::uint64_t wanted_by = 0;  ///< the consumer that wanted it first
    int joined = 0;               ///< so many others did before it was judged
    State state = State::waiting;
    bool was_asked = false;        ///< for, on this connection
    bool is_settled = false;       ///< accepted or rejected: not to be asked for now
    bool is_acknowledged = false;  ///< by the exchange itself, on this connection
    bool was_accepted = false;     ///< in whatever way, be it on an earlier connection
    Refusal refusal = Refusal::none;
    int tries = 0;                     ///< at asking again, since it was accepted or refused
    TimePoint due = TimePoint::max();  ///< to be asked for again
  };

  struct Error {
    std::int64_t code = 0;
    std::string message;
    bool is_certain = false;  ///< the exchange named the request
  };

  /// Streams that are asked for together, or are to be.
  struct Ask {
    std::vector<std::string> streams{};
    bool is_confirmation = false;  ///< of a single name that was refused before
    bool is_repetition = false;    ///< of what was accepted on this connection
    std::uint64_t part_of = 0;     ///< the request that was refused for one of them; 0: none
    Lane lane{};
    bool is_end = false;
    bool is_private = false;
    bool is_incomplete = false;  ///< some of the streams are not wanted any more
    TimePoint verdict_at{};
    std::optional<Error> error{};
  };

  void add(std::string_view name, Stream stream);
  Lane lane_of(std::string_view name, const Stream& stream) const;
  bool is_settled(std::string_view name) const;
  bool is_doubtful(std::string_view name) const;
  void join(const Lane& lane, std::string_view name);
  void queue(const Lane& lane, const std::vector<std::string>& names, bool is_repetition = false);
  void queue_alone(const Lane& lane, const std::string& name);
  void queue_due(TimePoint now);
  Ask take_end();
  std::optional<Ask> take_ask();
  bool is_waiting_for_verdict() const { return patience_.count() > 0 && !open_.empty(); }
  void judge(TimePoint now);
  void accept(const Ask& ask, TimePoint now);
  void accept(std::string_view name, Stream& stream, TimePoint now);
  void refuse(std::uint64_t id, Ask ask, TimePoint now);
  void split(std::uint64_t id, Ask ask);
  void ask_for_parts(std::uint64_t id, const Ask& ask, std::vector<std::vector<std::string>> parts);
  void refuse_signature(const Ask& ask, TimePoint now);
  void reject(std::string_view name, Refusal refusal, const Error& error, TimePoint now);
  void reject_all_parts(const Error& error, TimePoint now);
  void ask_for_what_did_not_fit();
  Milliseconds until_retry(int doublings) const;
  bool be_patient(TimePoint now);
  void set_due(Stream& stream, TimePoint due);
  void set_state(std::string_view name, Stream& stream, State state);
  void count(const Stream& stream, int more);

  Options options_;
  std::map<std::string, Stream, std::less<>> streams_;
  std::set<std::string, std::less<>> symbols_;
  std::array<std::size_t, 4> counts_{};  ///< of what is wanted, by state

  bool is_connected_ = false;
  std::size_t at_once_ = 1;
  std::map<Lane, std::deque<Ask>> lanes_;  ///< yet to be sent
  std::uint64_t last_served_ = 0;          ///< of the lanes that take turns
  std::vector<std::string> ending_;        ///< to be unsubscribed from
  std::map<std::uint64_t, Ask> open_;      ///< sent, and not judged yet; by id
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::size_t> unexplained_;  ///< refused request → parts not judged yet
  std::size_t refusals_in_a_row_ = 0;
  std::optional<std::int64_t> full_by_;    ///< the code by which the exchange says that it is full
  Milliseconds patience_{0};               ///< how long after its fence a request's error may come
  TimePoint quiet_until_{};                ///< nothing is asked before
  bool is_settling_ = false;               ///< until then further late errors are no news
  TimePoint next_due_ = TimePoint::max();  ///< no stream is due before
  std::vector<Rejection> rejections_;
};

}  // namespace bpx::bridge
