#pragma once

#include "bridge/observe/vocabulary.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bpx::bridge {

/// What is known of a stream that the exchange is to send.
struct WantedStream {
  using TimePoint = std::chrono::steady_clock::time_point;

  enum class Phase : std::uint8_t {
    pending,
    open,
    settled
  };  ///< to be asked for, asked for, judged
  enum class Refusal : std::uint8_t { none, signature, name, full };

  bool is_private = false;
  bool is_doubtful = false;  ///< of a symbol that is not listed, or of an unknown type
  bool is_lasting = false;   ///< whatever consumers want
  bool is_canary = false;
  bool is_hidden = false;                  ///< nobody wants it: the canary, or what is to end
  std::vector<std::uint64_t> consumers{};  ///< who wanted it before it was judged
  StreamState state = StreamState::waiting;
  bool was_accepted = false;  ///< be it on an earlier connection

  /// On the connection that stands.
  struct Here {
    Phase phase = Phase::pending;
    std::uint64_t request = 0;       ///< the last one for it; 0: none
    bool is_behind_end = false;      ///< until the verdict, data may be of what ended before
    std::size_t company = SIZE_MAX;  ///< so many are asked for together at most; fewer: a suspect
    bool is_acknowledged = false;
    bool is_in_doubt = false;          ///< accepted by a silence that tells little
    Refusal refusal = Refusal::none;   ///< by the last verdict; `name` outlives the connection
    int tries = 0;                     ///< so often it was put off for that reason
    TimePoint due = TimePoint::max();  ///< to be asked for again

    /// By its last verdict: to ask once more repeats what is in force.
    bool is_in_force() const { return tries > 0 && refusal == Refusal::none; }
  } here{};

  bool is_ending() const { return is_hidden && !is_canary; }
};

using WantedStreams = std::map<std::string, WantedStream, std::less<>>;

/// What is asked for next, and with what: pending streams, `most` of them or fewer, private ones
/// only if `may_sign`. What is to end goes first, then what was accepted before, what else is
/// configured, and the canary. Then consumers have their turns, each before those who came earlier,
/// and what is asked for again as if it were one more: however many come anew, it is everybody's
/// turn in the end. `last_served` is whose turn was last. Suspects go apart from others, those of
/// the least company first, as do doubtful and private streams.
std::vector<WantedStreams::iterator> next_batch(WantedStreams& streams, std::size_t most,
                                                bool may_sign, std::uint64_t& last_served);

}  // namespace bpx::bridge
