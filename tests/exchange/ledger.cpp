#include "tests/exchange/ledger.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace bpx::exchange {

Ledger::Ledger(std::size_t record_limit) : record_limit_(record_limit) {}

void Ledger::connected(std::uint64_t connection, bool deflate) {
  const std::lock_guard lock(mutex_);
  ++counters_.connections;
  ++counters_.open_connections;
  newest_ = {.number = connection, .open = true, .deflate = deflate, .subscriptions = {}};
  changed_.notify_all();
}

void Ledger::disconnected(std::uint64_t connection, std::uint16_t close_code) {
  const std::lock_guard lock(mutex_);
  --counters_.open_connections;
  if (close_code != 0) client_close_code_ = close_code;
  if (newest_.number == connection) {
    newest_.open = false;
    newest_.subscriptions.clear();
  }
  changed_.notify_all();
}

void Ledger::subscribed(std::uint64_t connection, const std::vector<std::string>& streams) {
  const std::lock_guard lock(mutex_);
  if (newest_.number != connection) return;
  newest_.subscriptions.insert(streams.begin(), streams.end());
  changed_.notify_all();
}

void Ledger::unsubscribed(std::uint64_t connection, const std::vector<std::string>& streams) {
  const std::lock_guard lock(mutex_);
  if (newest_.number != connection) return;
  for (const auto& stream : streams) newest_.subscriptions.erase(stream);
  changed_.notify_all();
}

void Ledger::received(ReceivedRequest request) {
  const std::lock_guard lock(mutex_);
  ++counters_.requests;
  requests_.push_back(std::move(request));
  if (requests_.size() > record_limit_) requests_.pop_front();
  changed_.notify_all();
}

void Ledger::sent(std::uint64_t connection, std::span<const SharedMessage> messages,
                  bool completed) {
  const std::lock_guard lock(mutex_);
  for (const auto& message : messages) {
    if (completed) {
      ++counters_.frames_sent;
      counters_.bytes_sent += message->text.size();
    }
    sent_.push_back({.connection = connection, .message = message, .completed = completed});
    if (sent_.size() > record_limit_) {
      sent_.pop_front();
      ++forgotten_;
    }
  }
  changed_.notify_all();
}

void Ledger::count(Counter counter) {
  const std::lock_guard lock(mutex_);
  ++(counters_.*counter);
  changed_.notify_all();
}

Counters Ledger::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

Ledger::Newest Ledger::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

std::vector<ReceivedRequest> Ledger::requests() const {
  const std::lock_guard lock(mutex_);
  return {requests_.begin(), requests_.end()};
}

std::vector<SentFrame> Ledger::sent_frames() const {
  const std::lock_guard lock(mutex_);
  std::vector<SentFrame> frames;
  frames.reserve(sent_.size());
  for (const auto& [connection, message, completed] : sent_) {
    frames.push_back({.connection = connection,
                      .stream = message->stream,
                      .text = message->text,
                      .completed = completed});
  }
  return frames;
}

std::string Ledger::sent_lines(std::uint64_t since, std::size_t limit) const {
  // Copied first: the exchange must not wait while text is made.
  std::vector<Sent> frames;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = std::clamp(since, forgotten_, forgotten_ + sent_.size());
    const auto first = sent_.begin() + static_cast<std::ptrdiff_t>(number - forgotten_);
    const auto left = static_cast<std::size_t>(sent_.end() - first);
    frames.assign(first, first + static_cast<std::ptrdiff_t>(std::min(limit, left)));
  }
  std::string lines;
  for (const auto& [connection, message, completed] : frames) {
    const nlohmann::ordered_json line{{"n", number++},
                                      {"connection", connection},
                                      {"stream", message->stream},
                                      {"text", message->text},
                                      {"completed", completed}};
    lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    lines += '\n';
  }
  return lines;
}

std::uint16_t Ledger::client_close_code() const {
  const std::lock_guard lock(mutex_);
  return client_close_code_;
}

bool Ledger::wait(std::chrono::milliseconds deadline,
                  const std::function<bool(const Counters&, const Newest&)>& holds) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] { return holds(counters_, newest_); });
}

bool Ledger::wait_for_sent(std::string_view text, std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  std::uint64_t looked_at = 0;  // over all sent, as forgotten_
  return changed_.wait_for(lock, deadline, [&] {
    const auto from = std::max(looked_at, forgotten_) - forgotten_;
    looked_at = forgotten_ + sent_.size();
    return std::any_of(
        sent_.begin() + static_cast<std::ptrdiff_t>(from), sent_.end(),
        [&](const Sent& sent) { return sent.completed && sent.message->text == text; });
  });
}

}  // namespace bpx::exchange
