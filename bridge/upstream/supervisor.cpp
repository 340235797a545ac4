#include "bridge/upstream/supervisor.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <string>

namespace bpx::bridge {

namespace asio = boost::asio;

namespace {

/// With this close code exchanges end a connection that asks too much of them.
constexpr std::uint16_t kPolicyViolation = 1008;

/// By these close codes a connection ends in order, and the next one is welcome: done (1000), going
/// away (1001), restarting (1012). Any other means that something is amiss.
bool invites_back(const Disconnect& disconnect) {
  return disconnect.code == 1000 || disconnect.code == 1001 || disconnect.code == 1012;
}

/// What the other side wants to wait at least.
std::chrono::milliseconds asked_for(const Session::End& end) {
  const auto* failure = std::get_if<ConnectFailure>(&end.why);
  return failure != nullptr ? failure->at_least : std::chrono::milliseconds(0);
}

}  // namespace

Supervisor::Supervisor(const asio::any_io_executor& executor, Session& session, Backoff backoff,
                       StatusTopic& status, Log& log)
    : session_(session), backoff_(backoff), status_(status), log_(log), wait_(executor) {}

asio::awaitable<void> Supervisor::run() {
  std::uint32_t connection = 1;
  while (!is_stopping_) {
    status_.connecting();
    const auto end = co_await session_.run(connection, slowdowns_);
    if (is_stopping_) break;
    const auto* disconnect = std::get_if<Disconnect>(&end.why);
    if (disconnect != nullptr) {
      ++connection;
      slowdowns_ = disconnect->code == kPolicyViolation ? slowdowns_ + 1 : 0;
    }
    const bool is_invited = disconnect != nullptr && invites_back(*disconnect);
    const auto retry = std::max(backoff_.after(end.lived, is_invited), asked_for(end));
    announce(end, retry);
    wait_.expires_after(retry);
    co_await wait_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

void Supervisor::stop() {
  is_stopping_ = true;
  session_.stop();
  wait_.cancel();
}

void Supervisor::announce(const Session::End& end, std::chrono::milliseconds retry) {
  if (const auto* failure = std::get_if<ConnectFailure>(&end.why)) {
    ++failures_;
    const auto words = std::string(to_string(failure->result)) + ' ' + failure->detail;
    if (failure_news_.is_news(words, failures_, std::chrono::steady_clock::now()))
      log_.warn("connect failed", {{"result", to_string(failure->result)},
                                   {"detail", failure->detail},
                                   {"attempt", failures_},
                                   {"retry_ms", retry.count()}});
    status_.retrying();
    return;
  }
  failures_ = 0;
  failure_news_.forget();
  const auto& disconnect = std::get<Disconnect>(end.why);
  log_.warn("disconnected", {{"reason", to_string(disconnect.reason)},
                             {"detail", disconnect.detail},
                             {"lived_ms", end.lived.count()},
                             {"retry_ms", retry.count()}});
  status_.disconnected({.reason = to_string(disconnect.reason),
                        .detail = disconnect.detail,
                        .code = disconnect.code,
                        .retry = retry});
}

}  // namespace bpx::bridge
