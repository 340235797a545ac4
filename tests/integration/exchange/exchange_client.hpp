#pragma once

#include "tests/exchange/simulated_exchange.hpp"
#include "tests/support/deadline.hpp"

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

struct ClientOptions {
  std::uint16_t port = 0;
  /// The authority to trust; empty: no TLS.
  std::string ca_pem = {};
  /// Whom the certificate must hold for.
  std::string host = "localhost";
  bool offer_deflate = false;
};

/// A plain WebSocket client, for one test's thread. It connects when constructed; it reads, and so
/// answers pings, only while one of its waiting functions runs.
class ExchangeClient {
 public:
  /// Throws boost::system::system_error where the connection fails.
  explicit ExchangeClient(const ClientOptions& options);
  ~ExchangeClient();
  ExchangeClient(const ExchangeClient&) = delete;
  ExchangeClient& operator=(const ExchangeClient&) = delete;
  ExchangeClient(ExchangeClient&&) noexcept;
  ExchangeClient& operator=(ExchangeClient&&) noexcept;

  void send(std::string_view text);
  void ping();
  /// Sends a Close frame and waits for the exchange's.
  void close(std::uint16_t code);

  /// The next message; nothing where the deadline passes or the connection ends first.
  std::optional<std::string> receive(std::chrono::milliseconds deadline = test::kDeadline);
  /// Whether the message received last was binary.
  bool binary() const;
  /// Reads, leaving messages to `receive`, until the connection has ended; false at the deadline.
  bool wait_for_end(std::chrono::milliseconds deadline = test::kDeadline);
  /// Why the connection ended; no error while it is open.
  boost::system::error_code end_reason() const;
  /// Of the exchange's Close frame; 0 where none came.
  std::uint16_t close_code() const;
  std::string close_reason() const;
  bool wait_for_pings(std::size_t count, std::chrono::milliseconds deadline = test::kDeadline);
  bool wait_for_pongs(std::size_t count, std::chrono::milliseconds deadline = test::kDeadline);
  bool deflate_negotiated() const;

 private:
  class Session;
  template <class Stream>
  class SessionOver;
  std::unique_ptr<Session> session_;
};

/// To connect to `exchange` as a client that trusts it.
ClientOptions client_of(const SimulatedExchange& exchange);

/// `{"method":"SUBSCRIBE","params":[…]}`.
std::string subscribe_request(const std::vector<std::string>& streams);
/// The same, signed: by the key pair that the exchange's guide prints, at `timestamp_ms`.
std::string signed_subscribe_request(const std::vector<std::string>& streams,
                                     std::int64_t timestamp_ms, std::int64_t window_ms = 5000);
std::int64_t now_ms();

/// The public half of that pair.
constexpr const char* kVerifyingKey = "5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=";

struct HttpReply {
  unsigned status = 0;
  std::string content_type;
  std::string allow;
  std::string body;
};

/// One request on a connection of its own. Throws boost::system::system_error where it fails.
HttpReply http_exchange(const ClientOptions& options, std::string_view method,
                        std::string_view target, std::string_view body = {});

}  // namespace bpx::exchange
