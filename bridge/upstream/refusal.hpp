#pragma once

#include "bridge/upstream/connect_failure.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// An HTTP answer of somebody who does not do what was asked of him.
struct Refusal {
  unsigned status = 0;
  std::string location = {};  ///< where to ask instead
  std::string text = {};      ///< what the body says: a line of at most 160 bytes, without mark-up
  std::optional<std::chrono::seconds> retry_after = std::nullopt;
};

/// Takes the beginning of an answer apart: the head must be whole, the body need not be. nullopt
/// where it is no answer in HTTP, or grants the WebSocket. `now` is what a date in Retry-After is
/// compared with.
std::optional<Refusal> parse_refusal(std::string_view answer,
                                     std::chrono::system_clock::time_point now);

/// `HTTP 503 (what the body says)`.
std::string describe(const Refusal& refusal);

/// What a WebSocket that was refused so means: in words, and for the time of the next attempt.
ConnectFailure upgrade_refused(const Refusal& refusal);

}  // namespace bpx::bridge
