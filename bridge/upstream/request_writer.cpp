#include "bridge/upstream/request_writer.hpp"

#include "bridge/clock.hpp"
#include "bridge/upstream/clock_reading.hpp"
#include "proto/subscribe_request.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// So long the first signature waits for the exchange's clock.
constexpr std::chrono::seconds kClockPatience{2};

}  // namespace

RequestWriter::RequestWriter(const asio::any_io_executor& executor, Options options, Parts parts,
                             std::function<void()> on_asked)
    : options_(options),
      parts_(parts),
      on_asked_(std::move(on_asked)),
      again_(executor),
      is_clock_measured_(parts.key == nullptr) {}

void RequestWriter::begin(const Pace& pace) {
  is_ping_due_ = false;
  parts_.subscriptions.connection_opened(pace.per_second(), is_clock_measured_);
}

void RequestWriter::clock_measured() {
  if (!std::exchange(is_clock_measured_, true)) wake();
}

void RequestWriter::ping() {
  is_ping_due_ = true;
  wake();
}

asio::awaitable<Disconnect> RequestWriter::run(WsConnection& connection, Pace pace) {
  const auto patient_until = Clock::now() + kClockPatience;
  std::optional<Disconnect> end;
  while (!end) {
    if (is_ping_due_) {
      end = co_await write_ping(connection, 0);
      is_ping_due_ = false;
      continue;
    }
    const auto now = Clock::now();
    is_clock_measured_ |= now >= patient_until;
    if (is_clock_measured_) parts_.subscriptions.allow_signing();
    const bool is_paced = now < pace.next();
    const auto request = is_paced ? std::nullopt : parts_.subscriptions.next_request(now);
    on_asked_();
    if (!request) {
      const auto due = parts_.subscriptions.next_deadline().value_or(Clock::time_point::max());
      again_.expires_at(std::min(is_paced ? pace.next() : due,
                                 is_clock_measured_ ? Clock::time_point::max() : patient_until));
      co_await again_.async_wait(kAsTuple);
      continue;
    }
    const auto frame = frame_of(*request);
    end = co_await write(connection, frame);
    if (end) break;
    pace.sent(Clock::now());
    parts_.measurements
        .requests[request->is_end ? RequestMethod::unsubscribe : RequestMethod::subscribe]
        .add();
    end = co_await write_ping(connection, request->id);
  }
  connection.abort();  // whatever else waits for it
  co_return *end;
}

/// Returns why the connection is over, if it is.
asio::awaitable<std::optional<Disconnect>> RequestWriter::write(WsConnection& connection,
                                                                std::string_view frame) {
  asio::steady_timer deadline(again_.get_executor(), options_.write_timeout);
  const auto first = co_await (connection.write(frame) || deadline.async_wait(kAsTuple));
  if (first.index() == 1)
    co_return Disconnect{DisconnectReason::idle, "the exchange takes no requests"};
  const auto& error = std::get<0>(first);
  if (!error) co_return std::nullopt;
  // The reader knows better why, a Close frame for instance: it is given the time to say so.
  deadline.expires_after(options_.close_grace);
  co_await deadline.async_wait(kAsTuple);
  co_return Disconnect{DisconnectReason::reset, "while subscribing: " + error.message()};
}

/// Likewise. A pong brings back what the ping carried: the request it is the fence of, and when.
asio::awaitable<std::optional<Disconnect>> RequestWriter::write_ping(WsConnection& connection,
                                                                     std::uint64_t request) {
  asio::steady_timer deadline(again_.get_executor(), options_.write_timeout);
  const auto now = Clock::now();
  parts_.liveness.pinged(connection.last_received(), now);
  const auto payload =
      std::to_string(request) + ' ' + std::to_string(now.time_since_epoch().count());
  const auto first = co_await (connection.ping(payload) || deadline.async_wait(kAsTuple));
  if (first.index() == 1)
    co_return Disconnect{DisconnectReason::idle, "the exchange takes no pings"};
  co_return std::nullopt;
}

std::optional<RequestWriter::Fence> RequestWriter::read_fence(std::string_view payload) {
  const auto* const end = payload.data() + payload.size();
  Fence fence;
  const auto [space, bad_request] = std::from_chars(payload.data(), end, fence.request);
  if (bad_request != std::errc{} || space == end || *space != ' ') return std::nullopt;
  const auto [rest, bad_time] = std::from_chars(space + 1, end, fence.sent_steady_ns);
  if (bad_time != std::errc{} || rest != end) return std::nullopt;
  if (fence.sent_steady_ns < 0 || fence.sent_steady_ns > steady_ns()) return std::nullopt;
  return fence;
}

std::string RequestWriter::frame_of(const Subscriptions::Request& request) const {
  const std::vector<std::string_view> streams(request.streams.begin(), request.streams.end());
  if (request.is_end) return proto::unsubscribe_request(streams, request.id);
  if (!request.is_private || parts_.key == nullptr)
    return proto::subscribe_request(streams, request.id);
  const auto exchange_ns =
      exchange_time_ns(parts_.measurements.exchange_ahead_of_boot_ns.value(), BootMoment::now());
  return proto::signed_subscribe_request(streams, request.id, *parts_.key, exchange_ns / 1'000'000,
                                         options_.window_ms);
}

}  // namespace bpx::bridge
