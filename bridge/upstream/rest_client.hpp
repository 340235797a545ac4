#pragma once

#include "bridge/upstream/dialler.hpp"
#include "bridge/upstream/tls_context.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace bpx::bridge {

/// One HTTP connection for GET requests, over TLS or, for `http://`, over plain TCP. Belongs to the
/// thread of the executor it was opened on; one request at a time. Destroying it ends it.
class RestClient {
 public:
  struct Options {
    Dialler& dialler;
    std::chrono::milliseconds timeout{5'000};  ///< to connect, and again for each request
    std::size_t max_body_bytes = 16'777'216;
  };

  /// An answer, or why there is none.
  struct Response {
    unsigned status = 0;  ///< HTTP; 0 where there was no answer
    std::string body;
    std::string error;
    std::optional<std::chrono::seconds> retry_after = std::nullopt;  ///< it asks to wait so long
    bool may_go_on = false;   ///< another request may follow on this connection
    bool is_unheard = false;  ///< the connection ended before a byte of the answer came
  };

  struct Opened {
    std::unique_ptr<RestClient> client;  ///< null on failure
    std::string error;
  };

  /// `tls` outlives the client; it may be null where the site goes without TLS.
  static boost::asio::awaitable<Opened> open(Options options, TlsContext* tls);

  virtual ~RestClient() = default;

  /// `target`: path and query.
  virtual boost::asio::awaitable<Response> get(std::string target) = 0;
};

}  // namespace bpx::bridge
