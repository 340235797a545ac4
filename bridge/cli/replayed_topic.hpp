#pragma once

#include "bridge/cli/tail_line.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace bpx::bridge::cli {

/// One topic of which `tail` shows what was missed before what comes: joins the replayed and the
/// live messages by sequence, each once and in order. Live messages wait until the replay has
/// ended. Pure: the caller says what arrives and what time it is.
class ReplayedTopic {
 public:
  using Clock = std::chrono::steady_clock;
  using Print = std::function<void(const TailMessage&)>;

  /// The bridge serves so many requests a second in all: whoever gets no answer asks again.
  static constexpr std::chrono::seconds kPatience{1};
  /// After so many it goes on without.
  static constexpr int kAttempts = 5;
  /// Live messages that wait for the end of the replay: minutes of a busy stream.
  static constexpr std::size_t kMaxBytesWaiting = std::size_t{64} << 20U;

  /// `topic`: the live one. The person wants everything from `wanted` on, a sequence or `last`, and
  /// watches so many endpoints, of which one at least publishes the topic.
  ReplayedTopic(std::string topic, std::string wanted, std::size_t endpoints)
      : topic_(std::move(topic)), wanted_(std::move(wanted)), endpoints_(endpoints) {}

  const std::string& topic() const { return topic_; }

  /// The topic that was asked by last; empty before the first request and after the end.
  const std::string& request() const { return request_; }

  /// Asks by this topic from now on.
  void asked_by(std::string request, Clock::time_point now);

  /// Whether it is time to ask, for the first time or again: also for the rest of a replay that has
  /// fallen silent before its end. `dry_at`: when nothing waited to be read last. What comes later
  /// than that may only be behind what this consumer is too slow to read.
  bool is_due(Clock::time_point dry_at) const;

  /// From where on to ask.
  std::string from() const;

  bool is_over() const { return is_over_; }

  void on_live(const TailMessage& message, const Print& print);
  /// A message under the request's topic. At the end of the replay, which is not shown, what waits
  /// is. Says in words for a person what is not shown: what waited for the replay of a bridge that
  /// has restarted since, and what was wanted but is kept no more.
  [[nodiscard]] std::optional<std::string> on_replayed(const TailMessage& message,
                                                       Clock::time_point now, const Print& print);
  /// Shows what waits and goes on with live messages alone.
  void end(const Print& print);

  /// Why it is of no use to wait for the replay any longer, and what follows, in words for a
  /// person; nullopt while it is. `dry_at` as above.
  std::optional<std::string> failure(Clock::time_point dry_at) const;

 private:
  struct Waiting {
    std::string payload;
    proto::MessageHeader header;
    std::int64_t arrived_ns;

    std::size_t bytes() const { return sizeof(Waiting) + payload.size(); }
  };

  std::optional<std::string> remark_on_what_is_not_kept(const proto::MessageHeader& header,
                                                        bool is_end) const;
  std::size_t forget_waiting_of_others(std::uint64_t epoch_us);
  void show(TailMessage message, const Print& print);

  std::string topic_;
  std::string wanted_;
  std::size_t endpoints_;
  std::string request_;
  int attempts_ = 0;
  std::size_t ignorant_ = 0;  ///< endpoints that know nothing of it, as they answered the last one
  Clock::time_point heard_;   ///< last of the replay, or asked for it
  bool is_over_ = false;
  std::deque<Waiting> waiting_;  ///< live ones
  std::size_t bytes_waiting_ = 0;
  std::uint64_t epoch_us_ = 0;  ///< of the last message shown, and its sequence
  std::uint64_t sequence_ = 0;
};

}  // namespace bpx::bridge::cli
