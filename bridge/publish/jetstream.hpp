#pragma once

#include "bridge/observe/episode.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/publish/audience.hpp"
#include "bridge/publish/jetstream_connection.hpp"
#include "bridge/publish/jetstream_stream.hpp"
#include "bridge/publish/jetstream_window.hpp"
#include "bridge/publish/nats_connection.hpp"
#include "bridge/publish/nats_look_up.hpp"
#include "bridge/publish/nats_server.hpp"
#include "bridge/publish/wakeup.hpp"
#include "proto/message_header.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bpx::bridge {

/// The second sink, beside ZeroMQ: a stream of NATS JetStream. Messages wait in a bounded window
/// until the server has acknowledged them. A thread of its own sends them in order, and after any
/// trouble connects again and sends once more what is not acknowledged, from the oldest on: the
/// server knows by `Nats-Msg-Id` what it has already. What the window has no room for is lost to
/// this sink alone, counted and told.
class JetStream {
 public:
  enum class Event : std::uint8_t {
    connected,
    disconnected,
    losing,      ///< the window is full
    keeping_up,  ///< nothing has been lost for a while
  };

  struct Options {
    std::vector<NatsServer> servers;  ///< at least one; tried in turn
    NatsAccess access;
    JetStreamStream stream;
    std::size_t max_pending = 65'536;  ///< messages not acknowledged
    bool include_private = false;
    std::chrono::milliseconds linger{500};  ///< how long close() may go on
    /// What came in is sent, and what was answered is taken, this often: in batches, since to be
    /// woken up costs a thread as much as some hundred messages. Sooner where it fills a quarter of
    /// `max_pending` or half of that waits already, where there is more to send than went out in
    /// one, and at the end.
    std::chrono::milliseconds turn{250};
    std::chrono::milliseconds patience = kNatsPatience;  ///< with a server's answers at the start
    /// A server that leaves the oldest message without an answer for so long has lost it, or its
    /// quorum: whatever else it acknowledges meanwhile, that one is to be sent again.
    std::chrono::milliseconds answer_patience{5'000};
    /// What consumers should know, with the cause for a person. Called by this sink's thread.
    std::function<void(Event, std::string)> on_event = [](Event, const std::string&) {};
  };

  /// Payload and names that may wait in all, however few messages they are.
  static constexpr std::size_t kMaxBytes = std::size_t{256} << 20U;

  JetStream(Options options, JetStreamMeasurements& measurements, Log& log);
  ~JetStream();  ///< at once, whatever still waits
  JetStream(const JetStream&) = delete;
  JetStream& operator=(const JetStream&) = delete;

  /// Hands over one message, with its header as sent on ZeroMQ. Never waits. By one thread.
  void publish(Audience audience, std::string_view stream, std::string_view payload,
               const proto::MessageHeader& header);

  /// Nothing more will be published. What waits goes on being sent, for at most the linger: the
  /// future is there to wait for that.
  [[nodiscard]] std::future<void> close();

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::uint64_t kNobody = std::numeric_limits<std::uint64_t>::max();

  void run(const std::stop_token& stop);
  const NatsServer& server(std::size_t attempt) const;
  /// Why the connection ended; nullopt where all is over.
  std::optional<std::string> serve(std::size_t attempt, const std::stop_token& stop);
  std::optional<std::string> prepare(NatsConnection& connection, const std::stop_token& stop);
  void send(JetStreamConnection& connection);
  void take_answers(JetStreamConnection& connection);
  void take(const JetStreamConnection::Answer& answer, std::int64_t now_steady_ns);
  void give_up(std::uint64_t number, std::string_view cause);
  void give_up_all_of(std::string_view stream, std::string_view cause);
  std::optional<std::string> trouble(const JetStreamConnection& connection) const;
  bool is_answered_but_for_refusals() const;
  void note_connected(const std::string& server);
  void note_disconnected(const std::string& server, const std::string& full_cause,
                         std::chrono::milliseconds retry);
  void note_losses();
  bool is_closing() const { return end_steady_ns_.load() != kNever; }
  bool is_over(const std::stop_token& stop) const;
  NatsPatience patience(std::chrono::milliseconds time, const std::stop_token& stop) const;
  void rest(const std::stop_token& stop);
  void pause(std::chrono::milliseconds time, const std::stop_token& stop,
             const std::function<bool()>& is_enough);

  Options options_;
  JetStreamMeasurements& measurements_;
  Log& log_;
  JetStreamWindow window_;

  // Of this sink's thread.
  NatsLookUp look_up_;
  std::uint64_t next_ = 0;  ///< to be sent on this connection
  std::int64_t last_progress_steady_ns_ = 0;
  bool takes_messages_ = false;  ///< the connection, as it has shown

  /// The first refusal on this connection. Nothing more is sent, but what others of those under way
  /// meet is still taken: they would be stored again once the server has forgotten their ids.
  struct Refusal {
    std::string cause;
    std::int64_t steady_ns = 0;
    std::uint64_t messages = 1;  ///< refused, all told
  };
  std::optional<Refusal> refusal_;
  bool is_connected_ = false;  ///< and nothing speaks against its taking messages
  std::int64_t connected_steady_ns_ = 0;
  std::set<std::string> told_causes_;  ///< of not being connected, each with its server
  std::string told_differences_;
  std::uint64_t told_lost_ = 0;
  std::int64_t last_loss_steady_ns_ = 0;
  Episode refusing_{std::chrono::minutes(1)};

  std::atomic<std::int64_t> end_steady_ns_{kNever};  ///< of sending, once close() is called
  std::atomic<std::uint64_t> hurry_at_{kNobody};     ///< a message of that number ends the pause
  Wakeup wakeup_;
  std::promise<void> has_ended_;
  std::jthread thread_;
};

std::string_view to_string(JetStream::Event event);

}  // namespace bpx::bridge
