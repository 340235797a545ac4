#pragma once

#include "bridge/observe/few_a_minute.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/publish/status_topic.hpp"
#include "bridge/relay/relay.hpp"
#include "bridge/upstream/exchange_clock.hpp"
#include "bridge/upstream/liveness.hpp"
#include "bridge/upstream/oddities.hpp"
#include "bridge/upstream/pace.hpp"
#include "bridge/upstream/request_writer.hpp"
#include "bridge/upstream/subscriptions.hpp"
#include "bridge/upstream/tls_context.hpp"
#include "bridge/upstream/ws_connection.hpp"
#include "proto/signing_key.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace bpx::bridge {

/// One connection's life: connect, subscribe everything wanted with fresh signatures, relay until
/// it ends, name the reason. One thread, that of the executor; used again for the next connection.
class Session : private MessageReceiver {
 public:
  struct Options {
    WsConnection::Options connection;
    Liveness::Options liveness;
    std::string canary;  ///< its name; empty: none
    std::uint32_t window_ms = 5'000;
    std::size_t requests_per_second = 5;
    std::chrono::milliseconds close_grace{500};  ///< for the exchange to answer a Close frame
  };

  /// What the session works on. All must outlive it; `key` is null where no stream is private.
  struct Parts {
    TlsContext& tls;
    Subscriptions& subscriptions;
    Relay& relay;
    StatusTopic& status;
    Log& log;
    Measurements& measurements;
    ExchangeClock& clock;
    const proto::SigningKey* key = nullptr;
  };

  /// How a connection ended.
  struct End {
    std::variant<ConnectFailure, Disconnect> why;
    std::chrono::milliseconds lived{0};  ///< from the first data to the last
  };

  Session(const boost::asio::any_io_executor& executor, Options options, Parts parts);

  /// Lives through one connection, the `connection`th that is established. Throws where the bridge
  /// itself cannot go on: out of memory, a socket of ZeroMQ's that fails. The exchange is asked at
  /// half the pace as often as `slowdowns` says, but once a second.
  boost::asio::awaitable<End> run(std::uint32_t connection, unsigned slowdowns);

  /// To be called once streams have become wanted or unwanted: the exchange is told at once.
  void subscriptions_changed();

  /// To be called once the exchange's clock has been read, or could not be.
  void clock_measured();

  /// Makes run() close the WebSocket with code 1000 and return, and every later run() return at
  /// once.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void measure_start();
  void measure_end(DisconnectReason reason);
  boost::asio::awaitable<End> relay_until_end(WsConnection& connection, Pace pace);
  template <typename T>
  boost::asio::awaitable<T> note_failure(boost::asio::awaitable<T> part);
  boost::asio::awaitable<Disconnect> watch_liveness(WsConnection& connection);
  boost::asio::awaitable<Disconnect> close_when_stopped(WsConnection& connection);
  boost::asio::awaitable<void> wait_for_stop();
  bool is_no_good(const End& end) const;

  void on_message(std::string_view message, const Moment& received) override;
  void on_message_in_sight(std::string_view message) override;
  void on_ping() override;
  void on_pong(std::string_view payload) override;
  void on_data(const Relayed& relayed);
  void on_canary();
  void expect_data();
  void note_data(const Moment& received);
  void on_answer(const proto::Envelope& answer);
  void announce_gap(const Relayed& relayed);
  void note_lost_between(const Relayed& relayed);
  void tell_what_was_lost_between();
  void announce_search();
  void announce_verdicts();
  void announce_rejections();
  void announce_recoveries();
  void note_canary_refused(const Subscriptions::Rejection& rejection);

  Options options_;
  Parts parts_;
  Liveness liveness_;
  RequestWriter writer_;
  Oddities oddities_;
  FewAMinute gaps_;
  FewAMinute rejections_;
  FewAMinute recoveries_;
  boost::asio::steady_timer look_again_;   ///< at liveness; cancelled by a pong
  boost::asio::steady_timer stop_signal_;  ///< cancelled by stop()
  bool is_stopping_ = false;
  Clock::time_point first_data_{};
  Clock::time_point last_data_{};
  std::uint64_t streams_with_loss_ = 0;  ///< between the last connection and this one
  std::uint64_t ids_lost_ = 0;
  bool has_told_loss_ = false;
  enum class Search : std::uint8_t {
    none,
    to_tell,
    told
  } search_ = Search::none;     ///< for bad names
  std::exception_ptr failure_;  ///< of the bridge itself
};

}  // namespace bpx::bridge
