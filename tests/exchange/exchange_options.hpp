#pragma once

#include "tests/exchange/market.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bpx::exchange {

/// What the exchange's documents leave open. The defaults are what captures show, or else what is
/// hardest on a client.
struct Quirks {
  /// One bad name refuses all names of its request; otherwise only itself.
  bool bad_name_spoils_request = true;
  /// An error frame repeats the request's `id`; otherwise it says null.
  bool errors_echo_id = false;
  /// A request that succeeds is answered by `{"id":…,"result":null}`; otherwise by nothing.
  bool acknowledges = false;
  /// The envelope says `stream` before `data`, as documents show; otherwise after it.
  bool stream_first = false;
  /// How a request is refused that names more streams than a connection may have: by an error that
  /// always repeats its `id`, or by `{"data":{"code":429,…}}`.
  enum class Overflow { error, data };
  Overflow overflow = Overflow::error;
  /// Answers come so much later, behind the Pong to a ping that followed the request. 0: before it.
  std::chrono::milliseconds answer_delay{0};
};

struct ExchangeOptions {
  std::string bind_address = "127.0.0.1";
  /// 0: any free port.
  std::uint16_t port = 0;

  /// Plain HTTP without any authentication, for faults and for reading what was said.
  bool control = false;
  std::string control_bind_address = "127.0.0.1";
  std::uint16_t control_port = 0;

  bool tls = true;
  /// Where the authority that signed the certificate is written, PEM; empty: nowhere.
  std::filesystem::path ca_file = {};
  /// Presented instead of a certificate made anew at every start, both PEM; empty: made. Clients
  /// who trusted it before trust it after another start.
  std::filesystem::path certificate_file = {};
  std::filesystem::path private_key_file = {};
  /// The host in the exchange's URLs. The certificate holds for it, for localhost, 127.0.0.1 and
  /// ::1, and for `further_host_names`.
  std::string host_name = "localhost";
  std::vector<std::string> further_host_names = {};

  Quirks quirks = {};
  /// Accept permessage-deflate when a client offers it.
  bool compression = true;

  /// Keys (base64) that private streams are granted to; empty: to any key whose signature verifies.
  std::vector<std::string> verifying_keys = {};
  /// Names that are refused. With a market they add to what the market does not know.
  std::set<std::string> unknown_streams = {};

  std::chrono::milliseconds ping_interval{60'000};
  /// A connection whose Pong is missing for so long is closed.
  std::chrono::milliseconds pong_timeout{120'000};
  /// Between asking for the end of a connection, by a Close frame, and cutting it.
  std::chrono::milliseconds close_grace{30'000};
  /// TLS handshake and the first HTTP request together.
  std::chrono::milliseconds handshake_timeout{10'000};
  /// Streams that a connection may have; 0: no limit.
  std::size_t max_streams = 0;
  /// A connection that asks for more within a second is closed by 1008; 0: no limit.
  std::size_t max_requests_per_second = 0;
  /// A client that leaves more than this unread is cut off.
  std::size_t max_queued_bytes = std::size_t{64} << 20U;

  /// A market that runs by itself, `rate` engine events a second. 0: it stands still; infinity: as
  /// fast as the slowest client reads. With a `start_us` its time begins there and passes while
  /// there is a rate: what it says then follows from seed and rate alone. Without one its time is
  /// the exchange's.
  std::optional<MarketOptions> market = {};
  double rate = 0;
  /// Frames recorded earlier, one envelope a line, played `rate` frames a second from the first
  /// subscription on, to those who are subscribed. Not together with a market.
  std::optional<std::filesystem::path> replay = {};
  bool replay_loops = false;

  /// How many sent frames and received requests are kept for tests to read; 0: none.
  std::size_t record_limit = std::size_t{1} << 18U;
};

}  // namespace bpx::exchange
