#pragma once

#include "proto/message_header.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace bpx::bridge::cli {

/// What `tail` notices beside the messages themselves: messages lost on the way here, a bridge that
/// was restarted or lost the exchange, silence and what may be behind it. Pure: told what arrives,
/// it says what is worth a remark.
class TailWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `own_key`: the public key that this client shows to a CURVE endpoint; empty without CURVE.
  explicit TailWatch(std::string own_key = {}) : own_key_(std::move(own_key)) {}

  /// A message that is printed. Returns a remark to print before it, if there is one.
  std::optional<std::string> on_message(std::string_view topic, const proto::MessageHeader& header);

  /// A message of `topic` whose header this version cannot read. Returns a remark on the 1st, 2nd,
  /// 4th, 8th …
  std::optional<std::string> on_unreadable(std::string_view topic);

  /// A message of `bridge.status`. Returns a remark, if the event is worth one and was not just
  /// remarked on: who watches both endpoints of a bridge is told everything twice.
  std::optional<std::string> on_status(std::string_view payload, TimePoint now);

  /// Whether the bridge was heard of, and has sent no heartbeat for longer than it is used to.
  bool misses_heartbeats(TimePoint now) const;

  /// Nothing to print has come for a while: why that might be. `endpoints` and `topics` are what
  /// the person asked for, as text.
  std::string explain_silence(std::string_view endpoints, std::string_view topics,
                              TimePoint now) const;

 private:
  std::optional<std::string> remark_on_step_back(std::string_view topic,
                                                 const proto::MessageHeader& header,
                                                 std::uint64_t known);
  void note_heartbeat(TimePoint now);
  bool was_just_told(const std::string& remark, TimePoint now);

  std::string own_key_;
  std::set<std::uint64_t> epochs_;  ///< seen, in µs; a restarted bridge's may be the lower one
  /// By epoch too: several bridges may be watched at once.
  std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> sequences_;
  std::uint64_t unreadable_ = 0;
  std::uint64_t steps_back_ = 0;  ///< of sequences
  std::string state_;  ///< as the bridge last told it; empty before, and once it has shut down
  std::optional<TimePoint> last_heartbeat_;
  TimePoint::duration heartbeat_interval_{};            ///< between the last two; 0 before
  std::deque<std::pair<TimePoint, std::string>> told_;  ///< remarks of the last moments
};

}  // namespace bpx::bridge::cli
