#include "bridge/cli/replayed_topic.hpp"

#include <utility>

namespace bpx::bridge::cli {

void ReplayedTopic::asked_by(std::string request, Clock::time_point now) {
  request_ = std::move(request);
  heard_ = now;
  ++attempts_;
}

bool ReplayedTopic::is_due(Clock::time_point dry_at) const {
  return !is_over_ && (attempts_ == 0 || (attempts_ < kAttempts && dry_at - heard_ >= kPatience));
}

/// Of another bridge than the one whose replay has begun, nothing has been shown.
std::string ReplayedTopic::from(const std::string& wanted) const {
  const bool is_restarted = !waiting_.empty() && waiting_.back().header.epoch_us != epoch_us_;
  return sequence_ == 0 || is_restarted ? wanted : std::to_string(sequence_ + 1);
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
  const auto forgotten = forget_waiting_of_others(message.header.epoch_us);
  if ((message.header.flags & proto::MessageHeader::end_of_replay) != 0)
    end(print);
  else
    show(message, print);
  if (forgotten == 0) return std::nullopt;
  return "the bridge restarted before its replay of " + topic_ +
         " ended: live messages that waited for that are not shown: " + std::to_string(forgotten);
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
