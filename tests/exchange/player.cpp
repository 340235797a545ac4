#include "tests/exchange/player.hpp"

#include "tests/exchange/exchange_clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace bpx::exchange {
namespace asio = boost::asio;

namespace {

/// What one turn of the loop may spend on the source before sockets have theirs.
constexpr std::size_t kEventsPerTurn = 256;

/// At high rates the loop wakes a thousand times a second and plays what has become due, instead of
/// once for each event.
constexpr std::chrono::microseconds kShortestWait{1000};
constexpr std::chrono::microseconds kLongestWait = std::chrono::hours(1);

}  // namespace

Player::Player(asio::io_context& loop, std::unique_ptr<Source> source,
               std::function<void(const SharedMessage&)> publish, std::function<bool()> wanted)
    : source_(std::move(source)),
      publish_(std::move(publish)),
      wanted_(std::move(wanted)),
      due_(loop) {
  asio::co_spawn(loop, play(), asio::detached);
}

void Player::set_rate(double per_second, std::uint64_t messages) {
  left_ = messages;
  source_->set_rate(per_second, ExchangeClock::true_us());
  due_.cancel();
}

void Player::stop() {
  stopped_ = true;
  due_.cancel();
}

asio::awaitable<void> Player::play() {
  while (!stopped_) {
    co_await wait();
    if (stopped_) co_return;
    if (source_->pacer().unlimited() && !wanted_()) continue;
    messages_.clear();
    source_->play(ExchangeClock::true_us(), kEventsPerTurn, messages_);
    for (const auto& message : messages_) publish_(message);
    left_ -= std::min<std::uint64_t>(left_, messages_.size());
    if (left_ == 0) set_rate(0);
  }
}

asio::awaitable<void> Player::wait() {
  if (source_->pacer().unlimited() && wanted_()) {
    co_await asio::post(asio::use_awaitable);
    co_return;
  }
  const std::int64_t now_us = ExchangeClock::true_us();
  const std::int64_t due_us = source_->due_us(now_us);
  const std::chrono::microseconds left(due_us == Pacer::kNever ? kLongestWait.count()
                                                               : due_us - now_us);
  due_.expires_after(std::clamp(left, kShortestWait, kLongestWait));
  co_await due_.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace bpx::exchange
