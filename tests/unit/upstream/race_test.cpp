#include "bridge/upstream/race.hpp"

#include "tests/support/black_hole.hpp"
#include "tests/support/closed_port.hpp"
#include "tests/support/loopback_listener.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using test::BlackHole;
using test::ClosedPort;
using test::LoopbackListener;

tcp::endpoint at(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

Raced run(std::vector<tcp::endpoint> addresses) {
  asio::io_context loop;
  Raced result;
  asio::co_spawn(loop, race(std::move(addresses)), [&](std::exception_ptr failure, Raced raced) {
    if (failure) std::rethrow_exception(failure);
    // It must not outlive the loop.
    result = {.socket = std::nullopt, .address = raced.address, .error = raced.error};
    if (!raced.socket) result.address = {};
  });
  loop.run();
  return result;
}

TEST(Race, IsWonByTheFirstThatAnswers) {
  const LoopbackListener first, second;
  EXPECT_EQ(run({at(first.port()), at(second.port())}).address, at(first.port()));
}

TEST(Race, GoesOnAtOnceWhereOneIsRefused) {
  const ClosedPort closed;
  const LoopbackListener listener;
  EXPECT_EQ(run({at(closed.port()), at(closed.port()), at(listener.port())}).address,
            at(listener.port()));
}

TEST(Race, PassesAnAddressThatDoesNotAnswerAtAll) {
  const BlackHole hole;
  const LoopbackListener listener;
  EXPECT_EQ(run({at(hole.port()), at(hole.port()), at(listener.port())}).address,
            at(listener.port()));
}

TEST(Race, IsLostWhereAllAreRefused) {
  const ClosedPort closed;
  const auto lost = run({at(closed.port()), at(closed.port())});
  EXPECT_EQ(lost.address, tcp::endpoint());
  EXPECT_EQ(lost.error, asio::error::connection_refused);
}

TEST(Race, IsLostWithoutAnAddress) { EXPECT_EQ(run({}).address, tcp::endpoint()); }

TEST(Race, CanBeGivenUp) {
  using namespace asio::experimental::awaitable_operators;
  const BlackHole hole;
  const std::vector addresses(3, at(hole.port()));
  asio::io_context loop;
  std::size_t ended = 9;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        asio::steady_timer soon(loop, 400ms);  // while two attempts are under way
        const auto first = co_await (race(addresses) || soon.async_wait(asio::use_awaitable));
        ended = first.index();
      },
      [](const std::exception_ptr& failure) {
        if (failure) std::rethrow_exception(failure);
      });
  loop.run();
  EXPECT_EQ(ended, 1U);
}

}  // namespace
}  // namespace bpx::bridge
