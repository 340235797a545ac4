#include "bridge/cli/replayed_topic.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace bpx::bridge::cli {

void ReplayedTopic::asked_by(std::string request, Clock::time_point now) {
  request_ = std::move(request);
  heard_ = now;
  ++attempts_;
  ignorant_ = 0;
}

bool ReplayedTopic::is_due(Clock::time_point dry_at) const {
  return !is_over_ && (attempts_ == 0 || (attempts_ < kAttempts && dry_at - heard_ >= kPatience));
}

/// Of another bridge than the one whose replay has begun, nothing has been shown.
std::string ReplayedTopic::from() const {
  const bool is_restarted = !waiting_.empty() && waiting_.back().header.epoch_us != epoch_us_;
  return sequence_ == 0 || is_restarted ? wanted_ : std::to_string(sequence_ + 1);
}

std::optional<std::string> ReplayedTopic::failure(Clock::time_point dry_at) const {
  if (is_over_) return std::nullopt;
  if (bytes_waiting_ >= kMaxBytesWaiting)
    return std::to_string(waiting_.size()) + " live messages wait for the replay of " + topic_ +
           ", and it does not end: going on without the rest of it";
  if (attempts_ < kAttempts || dry_at - heard_ < kPatience) return std::nullopt;
  if (sequence_ == 0) return "no replay of " + topic_ + " comes: going on without";
  return "the replay of " + topic_ + " broke off after message " + std::to_string(sequence_) +
         ", and its rest does not come: going on without";
}

void ReplayedTopic::on_live(const TailMessage& message, const Print& print) {
  if (is_over_) return show(message, print);
  waiting_.push_back({.payload = std::string(message.payload),
                      .header = message.header,
                      .arrived_ns = message.arrived_ns});
  bytes_waiting_ += waiting_.back().bytes();
}

std::optional<std::string> ReplayedTopic::on_replayed(const TailMessage& message,
                                                      Clock::time_point now, const Print& print) {
  if (is_over_) return std::nullopt;
  heard_ = now;
  const auto& header = message.header;
  const bool is_end = (header.flags & proto::MessageHeader::end_of_replay) != 0;
  // Said by an endpoint that does not publish the topic, too.
  if (is_end && header.sequence == 0 && ++ignorant_ < endpoints_) return std::nullopt;
  const auto forgotten = forget_waiting_of_others(header.epoch_us);
  const auto not_kept = remark_on_what_is_not_kept(header, is_end);
  if (is_end)
    end(print);
  else
    show(message, print);
  if (forgotten == 0) return not_kept;
  return "the bridge restarted before its replay of " + topic_ +
         " ended: live messages that waited for that are not shown: " + std::to_string(forgotten);
}

std::optional<std::string> ReplayedTopic::remark_on_what_is_not_kept(
    const proto::MessageHeader& header, bool is_end) const {
  if (sequence_ != 0 && epoch_us_ == header.epoch_us) return std::nullopt;
  std::uint64_t first = header.sequence;  // where it is the newest that is wanted
  std::from_chars(wanted_.data(), wanted_.data() + wanted_.size(), first);
  first = std::max<std::uint64_t>(first, 1);
  if (is_end ? header.sequence < first : header.sequence <= first) return std::nullopt;
  return "of " + topic_ +
         (is_end ? " nothing is kept"
                 : " what precedes message " + std::to_string(header.sequence) + " is not kept") +
         ": publish.replay_messages and publish.replay_bytes bound what is";
}

void ReplayedTopic::end(const Print& print) {
  is_over_ = true;
  request_.clear();
  bytes_waiting_ = 0;
  for (const auto& [payload, header, arrived_ns] : std::exchange(waiting_, {}))
    show({.topic = topic_, .payload = payload, .header = header, .arrived_ns = arrived_ns}, print);
}

/// What came before an answer of another bridge is of one that is gone. Returns how many these are.
std::size_t ReplayedTopic::forget_waiting_of_others(std::uint64_t epoch_us) {
  const auto waited = waiting_.size();
  while (!waiting_.empty() && waiting_.front().header.epoch_us != epoch_us) {
    bytes_waiting_ -= waiting_.front().bytes();
    waiting_.pop_front();
  }
  return waited - waiting_.size();
}

/// Another epoch is another bridge, be it higher or, where a clock was set back, lower.
void ReplayedTopic::show(TailMessage message, const Print& print) {
  const auto& header = message.header;
  if (header.epoch_us == epoch_us_ && header.sequence <= sequence_) return;
  epoch_us_ = header.epoch_us;
  sequence_ = header.sequence;
  message.topic = topic_;
  print(message);
}

}  // namespace bpx::bridge::cli
