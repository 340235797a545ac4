#pragma once

#include "tests/exchange/envelope.hpp"
#include "tests/exchange/records.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// What the exchange has seen and said. Its loop writes, tests read and wait from threads of their
/// own: the one place where these threads meet, hence the mutex. Every function may be called from
/// any thread.
class Ledger {
 public:
  /// What is known of the connection accepted last.
  struct Newest {
    std::uint64_t number = 0;
    bool open = false;
    bool deflate = false;
    std::set<std::string> subscriptions;
  };
  using Counter = std::uint64_t Counters::*;

  /// Keeps the newest `record_limit` sent frames and as many requests.
  explicit Ledger(std::size_t record_limit);

  void connected(std::uint64_t connection, bool deflate);
  /// `close_code` is that of the client's Close frame; 0 where none came.
  void disconnected(std::uint64_t connection, std::uint16_t close_code);
  void subscribed(std::uint64_t connection, const std::vector<std::string>& streams);
  void unsubscribed(std::uint64_t connection, const std::vector<std::string>& streams);
  void received(ReceivedRequest request);
  void sent(std::uint64_t connection, std::span<const SharedMessage> messages, bool completed);
  void count(Counter counter);

  Counters counters() const;
  Newest newest() const;
  std::vector<ReceivedRequest> requests() const;
  std::vector<SentFrame> sent_frames() const;
  /// Frames from the `since`-th on (from 0, over all sent), one JSON object a line, at most `limit`
  /// lines.
  std::string sent_lines(std::uint64_t since, std::size_t limit) const;
  /// Of the client's Close frame received last; 0 where none came.
  std::uint16_t client_close_code() const;

  /// Blocks until `holds` or the deadline; says whether it held. `holds` runs under the lock.
  bool wait(std::chrono::milliseconds deadline,
            const std::function<bool(const Counters&, const Newest&)>& holds) const;
  /// Blocks until a message with this `text` has been sent without error, or the deadline; says
  /// whether it has.
  bool wait_for_sent(std::string_view text, std::chrono::milliseconds deadline) const;

 private:
  struct Sent {
    std::uint64_t connection;
    SharedMessage message;
    bool completed;
  };

  const std::size_t record_limit_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Counters counters_;
  Newest newest_;
  std::uint16_t client_close_code_ = 0;
  std::deque<ReceivedRequest> requests_;
  std::deque<Sent> sent_;
  std::uint64_t forgotten_ = 0;  // frames that are no longer in sent_
};

}  // namespace bpx::exchange
