#include "bridge/upstream/resolver.hpp"

#include "tests/support/deadline.hpp"
#include "tests/support/scripted_names.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kHost = "two.example";

class ResolverTest : public testing::Test {
 protected:
  /// Begins to ask; the answer comes into `answers_` while the loop runs.
  void ask() {
    asio::co_spawn(loop_, resolver_.resolve(),
                   [this](std::exception_ptr failure, Resolved resolved) {
                     if (failure) std::rethrow_exception(failure);
                     answers_.push_back(std::move(resolved));
                   });
  }

  /// Asks, and has no patience. Returns whether there was an answer all the same.
  bool ask_hastily() {
    using namespace asio::experimental::awaitable_operators;
    bool is_answered = false;
    asio::co_spawn(
        loop_,
        [&]() -> asio::awaitable<void> {
          asio::steady_timer soon(loop_, 1ms);
          const auto first = co_await (resolver_.resolve() ||
                                       soon.async_wait(asio::as_tuple(asio::use_awaitable)));
          is_answered = first.index() == 0;
        },
        [](const std::exception_ptr& failure) {
          if (failure) std::rethrow_exception(failure);
        });
    run();
    return is_answered;
  }

  void run() {
    loop_.run();
    loop_.restart();
  }

  test::ScriptedNames names_;
  asio::io_context loop_;
  Resolver resolver_{kHost, 443};
  std::vector<Resolved> answers_;
};

std::vector<std::string> texts(const Resolved& resolved) {
  std::vector<std::string> texts;
  for (const auto& endpoint : resolved.endpoints) {
    EXPECT_EQ(endpoint.port(), 443);
    texts.push_back(endpoint.address().to_string());
  }
  return texts;
}

TEST_F(ResolverTest, FindsAllAddressesInTheSystemsOrder) {
  names_.set(kHost, {"2001:db8::1", "192.0.2.1"});
  ask();
  run();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(texts(answers_[0]), (std::vector<std::string>{"2001:db8::1", "192.0.2.1"}));
}

TEST_F(ResolverTest, SaysWhyThereAreNone) {
  names_.set(kHost, {});
  ask();
  run();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(answers_[0].endpoints.empty());
  EXPECT_FALSE(answers_[0].error.empty());
}

TEST_F(ResolverTest, TakesAnAddressAsItIs) {
  Resolver resolver("::1", 443);
  Resolved found;
  asio::co_spawn(loop_, resolver.resolve(), [&](const std::exception_ptr&, Resolved resolved) {
    found = std::move(resolved);
  });
  run();
  EXPECT_EQ(texts(found), std::vector<std::string>{"::1"});
}

TEST_F(ResolverTest, LooksUpOnceForAllWhoAskMeanwhile) {
  names_.hang(kHost);
  for (int i = 0; i < 3; ++i) ask();
  loop_.poll();
  names_.set(kHost, {"192.0.2.1"});
  run();
  ASSERT_EQ(answers_.size(), 3U);
  for (const auto& answer : answers_)
    EXPECT_EQ(texts(answer), std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(names_.begun(kHost), 1U);
}

TEST_F(ResolverTest, BeginsNoSecondLookUpWhileOneHangsThoughItWasGivenUp) {
  names_.hang(kHost);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(ask_hastily());
  EXPECT_LE(names_.begun(kHost), 1U);  // 0 where its thread has not come so far
  ask();
  loop_.poll();
  names_.set(kHost, {"192.0.2.1"});
  run();
  EXPECT_EQ(texts(answers_.at(0)), std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(names_.begun(kHost), 1U);
}

TEST_F(ResolverTest, BeginsAnotherBesideOneThatMayNeverEnd) {
  resolver_ = Resolver(kHost, 443, LookUpPatience(0s));
  names_.hang(kHost);
  EXPECT_FALSE(ask_hastily());
  EXPECT_FALSE(ask_hastily());
  const auto end = LookUpPatience::Clock::now() + test::kDeadline;
  while (names_.begun(kHost) < 2 && LookUpPatience::Clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(names_.begun(kHost), 2U);
}

TEST_F(ResolverTest, LooksUpAnewOnceALookUpIsOver) {
  names_.set(kHost, {"192.0.2.1"});
  ask();
  run();
  names_.set(kHost, {"192.0.2.2"});
  ask();
  run();
  EXPECT_EQ(texts(answers_.at(1)), std::vector<std::string>{"192.0.2.2"});
}

}  // namespace
}  // namespace bpx::bridge
