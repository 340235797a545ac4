#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/upstream/clock_reading.hpp"
#include "bridge/upstream/rest_client.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Measures by how much the exchange's clock differs from ours: at once, then every minute, sooner
/// where it got no reading though it does not ask too much, from the quickest of several readings,
/// as many of them as succeed. Belongs to the observing thread.
class ExchangeClock {
 public:
  struct Options {
    RestClient::Options rest;
    std::string path_prefix;  ///< of upstream.rest_url, without `/` at its end
    std::chrono::milliseconds interval{60'000};
    std::chrono::milliseconds retry{10'000};  ///< where an attempt brought no reading, and no 429
    std::chrono::milliseconds tolerance{2'500};  ///< beyond it the log is told
    /// Called after each attempt, successful or not; may be empty.
    std::function<void()> on_attempt = {};
  };

  ExchangeClock(const boost::asio::any_io_executor& executor, Options options, TlsContext& tls,
                UpstreamMeasurements& upstream, Log& log);

  /// Measures for ever.
  boost::asio::awaitable<void> run();

  /// Has it measure at once. Thread safe.
  void measure_again();

 private:
  enum class Verdict : std::uint8_t { unknown, good, off };

  struct Attempt {
    std::optional<ClockReading> quickest;
    bool asks_too_much = false;  ///< says the exchange
  };

  boost::asio::awaitable<std::chrono::milliseconds> measure();
  boost::asio::awaitable<Attempt> quickest_reading();
  void note_unknown(std::string_view error);
  void note(const ClockReading& reading);

  Options options_;
  TlsContext& tls_;
  UpstreamMeasurements& upstream_;
  Log& log_;
  boost::asio::steady_timer next_;
  std::optional<Verdict> said_;  ///< what the log was told last
};

}  // namespace bpx::bridge
