#pragma once

#include "bridge/observe/vocabulary.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace bpx::bridge {

/// Which request an error is about, and when the verdict on a request is in. Behind each request
/// goes a *fence*, a ping of its id, and the exchange answers in order: an error that names no
/// request is about the oldest whose fence is not back.
class Fences {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  struct Error {
    std::int64_t code = 0;
    std::string message;
    bool is_certain = false;  ///< the exchange named the request
    ExchangeError kind() const { return exchange_error(code); }
  };

  struct Request {
    std::uint64_t id = 0;
    bool is_private = false;
    TimePoint sent_at{};
    TimePoint verdict_at{};        ///< at the latest
    bool is_back = false;          ///< its fence, or one behind it
    std::optional<Error> error{};  ///< none: it is accepted
  };

  /// Whether another request may be sent.
  bool has_room() const { return patience_ == Milliseconds(0) || open_.empty(); }

  void sent(std::uint64_t id, bool is_private, TimePoint now) {
    open_.push_back({.id = id,
                     .is_private = is_private,
                     .sent_at = now,
                     .verdict_at = now + kFenceLost + patience_});
  }

  /// False for a fence that comes when all verdicts on what is before it are in.
  bool on_fence(std::uint64_t id, TimePoint now) {
    lost_in_a_row_ = 0;
    for (auto& open : open_) {
      if (open.id > id) continue;
      open.verdict_at = std::min(open.verdict_at, now + patience_);
      open.is_back = true;
    }
    return !open_.empty() && (open_.front().id <= id || open_.front().id == kNone);
  }

  /// Whether this exchange has answered pings lately: else there is no use in waiting for that.
  bool are_answered() const { return lost_in_a_row_ < kMostLost; }

  /// False for an error that is about no open request.
  bool on_error(std::optional<std::uint64_t> id, Error error) {
    const auto meant = std::ranges::find_if(open_, [&](const Request& open) {
      if (open.id == kNone) return true;
      if (id) return open.id == *id;
      return open.is_private || error.kind() != ExchangeError::invalid_signature;
    });
    if (meant == open_.end()) return false;
    if (!meant->error) meant->error = std::move(error);
    return true;
  }

  /// When next_verdict() has one at the latest; TimePoint::max() if none is awaited.
  TimePoint due() const { return open_.empty() ? TimePoint::max() : open_.front().verdict_at; }

  /// The oldest request, if the verdict on it is in.
  std::optional<Request> next_verdict(TimePoint now) {
    if (due() > now) return std::nullopt;
    std::optional judged(std::move(open_.front()));
    open_.pop_front();
    if (!judged->is_back && judged->id != kNone && judged->sent_at >= last_loss_) {
      ++lost_in_a_row_;
      last_loss_ = now;
    }
    return judged;
  }

  /// Errors come behind their fences. Forgets what is open; once no more of them come there is room
  /// for one request at a time, whose verdict waits behind its fence, longer each time that this is
  /// called. False where it waits long enough.
  bool be_patient(TimePoint now) {
    if (patience_ >= kMostPatience) return false;
    patience_ = std::max(kFirstPatience, 2 * patience_);
    open_.clear();
    open_.push_back({.id = kNone, .verdict_at = now + kSettle});
    return true;
  }

 private:
  static constexpr Milliseconds kFenceLost{2'000};  ///< what is not back by then never will be
  static constexpr Milliseconds kFirstPatience{250};
  static constexpr Milliseconds kMostPatience{4'000};
  static constexpr Milliseconds kSettle{1'000};
  static constexpr std::size_t kMostLost = 3;
  static constexpr std::uint64_t kNone = UINT64_MAX;  ///< takes what else comes late

  std::deque<Request> open_{};
  Milliseconds patience_{0};
  /// Verdicts without their fence, of requests that were sent one behind the other's verdict: what
  /// is under way together is lost together, be it that this program has been stopped for a while.
  /// None is back yet.
  std::size_t lost_in_a_row_ = kMostLost;
  TimePoint last_loss_ = TimePoint::min();
};

}  // namespace bpx::bridge
