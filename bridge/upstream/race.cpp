#include "bridge/upstream/race.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kHeadStart{250};
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// Of two that run, the other is given up once one has won.
struct UntilOneWins {
  asio::cancellation_type operator()(const std::exception_ptr& failure, bool has_won) const {
    return !failure && has_won ? asio::cancellation_type::all : asio::cancellation_type::none;
  }
};

class Race {
 public:
  explicit Race(std::vector<tcp::endpoint> addresses) : addresses_(std::move(addresses)) {}

  /// Among the addresses from the `first` on. Returns whether one has won.
  asio::awaitable<bool> run(std::size_t first) {
    if (first == addresses_.size()) co_return false;
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer head_start(executor, kHeadStart);
    auto runners = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, connect(addresses_[first], head_start), asio::deferred),
        asio::co_spawn(executor, follow(first + 1, head_start), asio::deferred));
    const auto [order, first_failure, first_won, other_failure, other_won] =
        co_await runners.async_wait(UntilOneWins(), asio::use_awaitable);
    for (const auto& failure : {first_failure, other_failure})
      if (failure && !raced_.socket) std::rethrow_exception(failure);
    co_return first_won || other_won;
  }

  Raced take_result() { return std::move(raced_); }

 private:
  asio::awaitable<bool> connect(tcp::endpoint address, asio::steady_timer& head_start) {
    tcp::socket socket(co_await asio::this_coro::executor);
    const auto [error] = co_await socket.async_connect(address, kAsTuple);
    if (raced_.socket) co_return false;  // another one has won at the same moment
    if (error) {
      raced_.error = error;
      head_start.cancel();
      co_return false;
    }
    raced_.socket = std::move(socket);
    raced_.address = address;
    co_return true;
  }

  asio::awaitable<bool> follow(std::size_t next, asio::steady_timer& head_start) {
    co_await head_start.async_wait(kAsTuple);
    co_return co_await run(next);
  }

  std::vector<tcp::endpoint> addresses_;
  Raced raced_;
};

}  // namespace

asio::awaitable<Raced> race(std::vector<tcp::endpoint> addresses) {
  Race contest(std::move(addresses));
  co_await contest.run(0);
  co_return contest.take_result();
}

}  // namespace bpx::bridge
