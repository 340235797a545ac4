#pragma once

#include "bridge/upstream/batch_planner.hpp"
#include "bridge/upstream/fences.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
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
/// with a ping of its id behind it, and reports what comes back. One thread.
///
/// A stream is pending, then open while it is asked for, and settled by the verdict. The exchange
/// acknowledges nothing and drops a whole request for one bad name: without an error all streams of
/// a request are accepted; with one they are suspects, and pending again in parts, as many as may
/// be asked for at once, down to single names. Who is refused alone is asked for once more and then
/// rejected; who delivers is beyond doubt. Refusals in a row by a code that says nothing of names
/// mean that the exchange is full: what is not accepted yet is rejected with its words. What is
/// rejected or silent is pending again after a while. An error behind its fence means that silence
/// tells little: what it accepted is pending again, and from then on there is one request at a
/// time. Of a stream that is asked for again so soon that its end may still be under way, nothing
/// counts before a fence says that it is over: it stays waiting, since what comes may be of the
/// subscription before, and is asked for once more where the fence is lost, unless several
/// in a row are.
class Subscriptions {
 public:
  using TimePoint = Fences::TimePoint;
  using Milliseconds = Fences::Milliseconds;
  using State = StreamState;

  /// What no operator sets. Both double each time.
  struct Timing {
    Milliseconds signature_retry{500};  ///< before a refused signature is made anew
    Milliseconds retry_first{15'000};   ///< before a rejected stream is asked for again
  };

  struct Options {
    std::size_t batch = 100;  ///< names in one request
    /// Until a silent stream is asked for again; doubles up to 16 times. 0: never.
    Milliseconds resubscribe_after{0};
    Milliseconds retry_rejected{0};  ///< between two attempts at a rejected one, at most; 0: never
    Timing timing{};
    /// A stream that is requested on top, and shows nowhere unless it is wanted too; empty: none.
    std::string canary = {};
    /// Told of every change, from within the call that leads to it; may be empty. What nobody wants
    /// any more is waiting.
    std::function<void(std::string_view stream, State)> on_change = {};
  };

  /// One SUBSCRIBE to send now, or one UNSUBSCRIBE, wholly private or wholly public.
  struct Request {
    std::uint64_t id = 0;
    bool is_end = false;      ///< UNSUBSCRIBE: nobody wants these streams any more
    bool is_private = false;  ///< to be signed
    std::vector<std::string> streams{};
  };

  /// A stream that the exchange has newly refused, with its own words.
  struct Rejection {
    std::string stream;
    std::int64_t code = 0;
    std::string message;
  };

  Subscriptions(Options options, const std::vector<std::string>& wanted);

  /// From now on `stream` is wanted until unwant(), by the consumer of that number among others:
  /// until it is judged, it is asked for with what each of them wants, whose other names may be
  /// bad.
  void want(std::string_view stream, std::uint64_t consumer = 0);

  /// Nobody wants `stream` any more, unless it is lasting: as those wanted from the start are.
  void unwant(std::string_view stream);
  void set_lasting(std::string_view stream, bool is_lasting);

  /// What the exchange lists; a stream of another symbol is doubtful. Empty: no symbol is doubted.
  void learn_markets(std::set<std::string, std::less<>> symbols);

  /// A new connection stands: all that is wanted is pending. `at_once` requests may be sent without
  /// a pause. Private streams wait for allow_signing().
  void connection_opened(std::size_t at_once = 1'000, bool may_sign = true);
  void allow_signing() { here_.may_sign = true; }

  /// The connection is gone: nothing is requested or live any more.
  void connection_closed();

  /// What to send now, if anything. Call until it returns nullopt, and again at next_deadline().
  std::optional<Request> next_request(TimePoint now);

  /// When next_request() may have something to say without further news; nullopt if never.
  std::optional<TimePoint> next_deadline() const;

  void on_fence(std::uint64_t id, TimePoint now);
  void on_data(std::string_view stream);
  void on_acknowledgement(std::optional<std::uint64_t> id);

  /// `id` where the exchange echoed it. Returns false for an error that is about no request.
  bool on_error(std::optional<std::uint64_t> id, std::int64_t code, std::string_view message,
                TimePoint now);

  /// The rejections since the last call, in the order found; a refused canary among them.
  std::vector<Rejection> take_rejections() { return std::exchange(rejections_, {}); }

  /// Likewise those that are rejected no longer: the exchange has taken them after all.
  std::vector<std::string> take_recoveries() { return std::exchange(recoveries_, {}); }

  /// nullopt for a stream that is not wanted.
  std::optional<State> state_of(std::string_view stream) const;

  /// How many streams were refused together with others and wait to be asked for.
  std::size_t in_question() const;

  /// All that is remembered, hidden streams among it.
  const WantedStreams& streams() const { return streams_; }

 private:
  using Phase = WantedStream::Phase;
  using Refusal = WantedStream::Refusal;
  using Entry = WantedStreams::value_type;
  using Entries = std::vector<Entry*>;

  bool is_doubtful(std::string_view name) const;
  void judge(TimePoint now);
  void ends_are_over(std::uint64_t until);
  void accept_or_repeat(Entry& entry, TimePoint now);
  void accept(Entry& entry, TimePoint now);
  void refuse(const Entries& suspects, const Fences::Error& error, TimePoint now);
  void refuse_alone(Entry& entry, const Fences::Error& error, TimePoint now);
  void reject(Entry& entry, Refusal reason, const Fences::Error& error, TimePoint now);
  bool doubt_silence(TimePoint now);
  void settle(WantedStream& stream, Refusal reason, TimePoint now);
  Milliseconds retry_after(int doublings) const;
  void wake_due(TimePoint now);
  void try_room(TimePoint now);
  void set_state(Entry& entry, State state);

  Options options_;
  WantedStreams streams_;
  std::set<std::string, std::less<>> symbols_;
  std::vector<Rejection> rejections_;
  std::vector<std::string> recoveries_;
  std::uint64_t last_id_ = 0, last_served_ = 0;

  /// Whether there is room again, of an exchange that was full.
  struct Room {
    TimePoint due = TimePoint::max();  ///< to be tried again; never: it is not full
    int tries = 0;
    std::string tried{};  ///< by the stream of that name
  };

  struct Connection {
    bool is_open = false, may_sign = false;
    std::size_t at_once = 1, refusals_in_a_row = 0;
    TimePoint next_due = TimePoint::max();  ///< no stream is due before, nor room
    Room room{};
    Fences fences{};
    /// Streams whose end may be under way, each with the last request to end it.
    std::map<std::string, std::uint64_t, std::less<>> ended{};
  } here_{};
};

}  // namespace bpx::bridge
