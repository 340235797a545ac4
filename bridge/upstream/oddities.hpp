#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/observe/novelty.hpp"
#include "proto/envelope.hpp"

#include <cstddef>
#include <set>
#include <string_view>

namespace bpx::bridge {

/// Tells the log of what an exchange should not send, and sparsely, so that a confused one does not
/// flood it. One thread.
class Oddities {
 public:
  /// `has_key`: data may be the account's.
  Oddities(Log& log, UpstreamMeasurements& upstream, bool has_key)
      : log_(log), upstream_(upstream), has_key_(has_key) {}

  /// Such errors as bad names get are part of finding the culprit, whose rejection is announced. Of
  /// the others the log is told the 1st, 2nd, 4th, 8th … of a kind, one a minute, and where the
  /// exchange's words are new.
  void note_error(const proto::Envelope& answer, bool is_laid_to_a_request);

  /// The 1st, 2nd, 4th, 8th …, and where a fault is new. `fault` is one of a few texts that last.
  void note_malformed(std::string_view fault, std::size_t bytes);

  /// Data that no endpoint is bound for, or that cannot be the account's: once, of each audience.
  void note_undelivered(std::string_view stream);

 private:
  Log& log_;
  UpstreamMeasurements& upstream_;
  bool has_key_;
  CounterOfEach<kExchangeErrors> unexpected_errors_;
  Novelty error_news_;
  std::set<std::string_view> faults_;  ///< of malformed messages, that the log was told of
  bool has_noted_public_ = false;
  bool has_noted_private_ = false;
};

}  // namespace bpx::bridge
