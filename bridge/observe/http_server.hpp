#pragma once

#include "bridge/observe/content_policy.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// An answer to a GET request.
struct HttpPage {
  unsigned status = 200;
  std::string_view content_type;  ///< of static storage
  std::string body;
  std::string_view content_policy = kNothingAllowed;  ///< outlives the answer
};

/// A small HTTP/1.1 server for pages that are made on request. It trusts nobody: large requests are
/// refused, slow clients cut off, and where there are more clients than the bound, the one that has
/// kept it waiting longest makes place for the newest. Belongs to the thread of its executor, which
/// must not run handlers any more when it is destroyed.
class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";  ///< a numeric address
    std::uint16_t port = 0;          ///< 0: any free one
    /// How long a client may take to send a request, and again to take the answer.
    std::chrono::milliseconds patience{5'000};
    std::size_t max_request_bytes = 8'192;  ///< head and body together
    std::size_t max_connections = 64;
  };

  /// The page at `path`, without the query; nullopt where there is none.
  using Handler = std::function<std::optional<HttpPage>(std::string_view path)>;

  /// Binds at once. Throws StartupError where that cannot be done.
  HttpServer(const boost::asio::any_io_executor& executor, const Options& options, Handler handler,
             HttpRefusals& refusals, Log& log);

  /// `ADDRESS:PORT` as bound.
  std::string endpoint() const;

  /// Serves for ever.
  boost::asio::awaitable<void> run();

 private:
  class Connection;

  void serve(boost::asio::ip::tcp::socket socket);
  /// Then each connection ends with its next answer, so that whoever waits gets its turn.
  bool is_full() const { return connections_.size() >= options_.max_connections; }
  boost::asio::awaitable<void> make_place();
  void note_not_accepted(std::string_view error);
  void note_accepted();

  Options options_;
  Handler handler_;
  HttpRefusals& refusals_;
  Log& log_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer place_free_;  ///< cancelled when a connection ends
  std::list<Connection*> connections_;    ///< oldest first
  std::uint64_t not_accepted_ = 0;        ///< attempts that failed since it last went well
  std::optional<std::chrono::steady_clock::time_point> said_not_accepted_;
  bool is_trouble_told_ = false;
};

}  // namespace bpx::bridge
