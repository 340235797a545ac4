#include "bridge/upstream/exchange_clock.hpp"

#include "bridge/clock.hpp"
#include "bridge/upstream/exchange_time.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cmath>
#include <utility>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;

/// The first on a connection pays for what later ones do not: slow start, a cold cache.
constexpr int kReadings = 5;

std::string why_unknown(const RestClient::Response& response) {
  if (!response.error.empty()) return response.error;
  if (response.status != 200) return "HTTP " + std::to_string(response.status);
  return "the answer is no time";
}

}  // namespace

ExchangeClock::ExchangeClock(const asio::any_io_executor& executor, Options options,
                             TlsContext& tls, UpstreamMeasurements& upstream, Log& log)
    : options_(std::move(options)), tls_(tls), upstream_(upstream), log_(log), next_(executor) {
  upstream.clock_tolerance_s.set(std::chrono::duration<double>(options_.tolerance).count());
}

asio::awaitable<void> ExchangeClock::run() {
  for (;;) {
    const auto pause = co_await measure();
    if (options_.on_attempt) options_.on_attempt();
    next_.expires_after(pause);
    co_await next_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

/// How long the exchange is to be left alone then.
asio::awaitable<std::chrono::milliseconds> ExchangeClock::measure() {
  try {
    const auto attempt = co_await quickest_reading();
    if (attempt.quickest) note(*attempt.quickest);
    co_return attempt.quickest || attempt.asks_too_much ? options_.interval : options_.retry;
  } catch (const boost::system::system_error& error) {  // OpenSSL gets no memory for a connection
    note_unknown(error.what());
    co_return options_.retry;
  }
}

void ExchangeClock::measure_again() {
  asio::post(next_.get_executor(), [this] { next_.cancel(); });
}

asio::awaitable<ExchangeClock::Attempt> ExchangeClock::quickest_reading() {
  Attempt attempt;
  auto& quickest = attempt.quickest;
  const auto opened = co_await RestClient::open(options_.rest, &tls_);
  if (opened.client == nullptr) {
    note_unknown(opened.error);
    co_return attempt;
  }
  // Of the first failure: where its answer ends the connection, the next only tell of that.
  std::string why;
  for (int i = 0; i < kReadings; ++i) {
    // The wall clock is what is compared, the other tells how long it took: a step of the wall
    // clock before the answer must not pass for a quick one, nor must sleep of the machine.
    const auto asked = BootMoment::now();
    const auto response = co_await opened.client->get(options_.path_prefix + "/api/v1/time");
    const auto took = boot_ns() - asked.boot_ns;
    const auto time = parse_exchange_time(response.body);
    if (response.status != 200 || !time) {
      if (why.empty()) why = why_unknown(response);
      attempt.asks_too_much = response.status == 429;
      if (attempt.asks_too_much || response.status == 0) break;  // 0: the connection has ended
      continue;
    }
    const ClockReading reading{.asked_ns = asked.unix_ns,
                               .answered_ns = asked.unix_ns + took,
                               .exchange_ns = *time,
                               .asked_boot_ns = asked.boot_ns};
    if (!quickest || reading.round_trip_ns() < quickest->round_trip_ns()) quickest = reading;
  }
  if (!quickest) note_unknown(why);
  co_return attempt;
}

void ExchangeClock::note_unknown(std::string_view error) {
  upstream_.clock_offset_s.set(UpstreamMeasurements::kUnknown);
  if (std::exchange(said_, Verdict::unknown) == Verdict::unknown) return;
  log_.warn("clock offset unknown",
            {{"detail", error}, {"check", "upstream.rest_url and the way to it"}});
}

void ExchangeClock::note(const ClockReading& reading) {
  const auto offset_ms = static_cast<double>(reading.offset_ns()) / 1e6;
  upstream_.clock_offset_s.set(offset_ms / 1e3);
  upstream_.exchange_ahead_of_boot_ns.set(reading.ahead_of_boot_ns());
  const bool is_off = std::abs(offset_ms) > static_cast<double>(options_.tolerance.count());
  const auto verdict = is_off ? Verdict::off : Verdict::good;
  if (std::exchange(said_, verdict) == verdict) return;
  const auto round_trip_ms = static_cast<double>(reading.round_trip_ns()) / 1e6;
  if (is_off)
    log_.warn("clock offset too large",
              {{"offset_ms", offset_ms},
               {"round_trip_ms", round_trip_ms},
               {"tolerance_ms", options_.tolerance.count()},
               {"effect", "lag is measured wrong; requests are signed by its clock"},
               {"check", "this machine's time synchronisation"}});
  else
    log_.info("clock offset", {{"offset_ms", offset_ms}, {"round_trip_ms", round_trip_ms}});
}

}  // namespace bpx::bridge
