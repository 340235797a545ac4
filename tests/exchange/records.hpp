#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bpx::exchange {

/// One message that the exchange gave to a connection's transport.
struct SentFrame {
  /// Counted from 1 over all WebSocket connections accepted.
  std::uint64_t connection = 0;
  /// Empty for errors, acknowledgements and raw text.
  std::string stream = {};
  std::string text = {};
  /// The write ended without error: the bytes left this process. Not that they arrived.
  bool completed = false;
};

/// One message that a client sent.
struct ReceivedRequest {
  std::uint64_t connection = 0;
  std::string text = {};
  /// These three are empty where the text is no request.
  std::string method = {};
  std::vector<std::string> params = {};
  std::vector<std::string> signature = {};
  /// Unix microseconds by the machine's clock, which faults do not shift.
  std::int64_t received_us = 0;
};

/// Counted since the exchange started.
struct Counters {
  std::uint64_t connections = 0;
  std::uint64_t open_connections = 0;
  std::uint64_t failed_handshakes = 0;
  std::uint64_t requests = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t pings_sent = 0;
  std::uint64_t pings_received = 0;
  std::uint64_t pongs_received = 0;
  std::uint64_t pong_timeouts = 0;
  /// Connections cut off because the client left too much unread.
  std::uint64_t slow_clients = 0;
};

}  // namespace bpx::exchange
