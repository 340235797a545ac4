#pragma once

#include "bridge/publish/publisher.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// `bridge.status`: what happens to the bridge itself, published like a stream, on both endpoints,
/// with JSON as payload. Each event carries the state and the number of the connection. Used by the
/// publisher's thread.
class StatusTopic {
 public:
  struct Options {
    std::uint64_t epoch_us = 0;
    std::string topic_terminator;
  };

  /// Keeps `upstream`'s state and connection up to date, from which /status and metrics read.
  StatusTopic(const Options& options, Publisher& publisher, UpstreamMeasurements& upstream);

  void heartbeat();
  /// Change the state, which the next heartbeat tells.
  void connecting();
  void retrying();
  void connected(std::uint32_t connection);
  struct Disconnection {
    std::string_view reason;
    std::string_view detail;
    std::uint16_t code = 0;  ///< of the exchange's Close frame; 0 where it had none
    std::chrono::milliseconds retry;
  };
  /// Without the detail on the public endpoint where that names a stream of the account.
  void disconnected(const Disconnection& disconnection);
  /// Likewise without the message. Goes only where `stream` itself would.
  void rejected(std::string_view stream, std::int64_t code, std::string_view message);
  /// Goes only where `stream` itself would. `got` came where `expected` was due: see Continuity.
  void gap(std::string_view stream, std::uint64_t expected, std::uint64_t got);
  /// What happens to the other sink; `cause` for a person, may be empty. It goes to `who_may_read`
  /// it: a server's words may name an account's stream that it does not take.
  void jetstream(std::string_view what, std::string_view cause, Audience who_may_read,
                 const JetStreamMeasurements& measurements);
  void shutdown();

 private:
  void publish(Audience audience, const std::string& payload);
  void publish_about(std::string_view stream, const std::string& for_everyone,
                     const std::string& for_account);
  void publish_to_all(const std::string& payload);

  Publisher& publisher_;
  UpstreamMeasurements& upstream_;
  std::uint64_t epoch_us_;
  std::string topic_;
  std::array<std::uint64_t, 2> sequences_{};  ///< by audience: each endpoint counts without holes
};

}  // namespace bpx::bridge
