#include "bridge/publish/status_topic.hpp"

#include "tests/support/subscriber.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>

namespace bpx::bridge {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class StatusTopicTest : public testing::Test, private SubscriptionReceiver {
 protected:
  StatusTopicTest() {
    if (!test::comes_true([&] { return publisher_.drain_requests(*this) && subscriptions_ == 2; }))
      throw std::runtime_error("the consumers' subscriptions do not come");
  }

  static json next(test::Subscriber& consumer) {
    const auto message = consumer.receive();
    return message ? json::parse(message->payload) : json();
  }

  StatusTopic& status() { return status_; }

  static constexpr auto kWords = "not with account.orderUpdate";

 private:
  bool on_subscription(const Subscription&) override {
    ++subscriptions_;
    return false;
  }

  int subscriptions_ = 0;
  Log log_{{.level = LogLevel::error, .format = {}, .sink = [](LogLevel, std::string_view) {}}};
  Measurements measurements_{{}};
  Publisher publisher_{
      {.public_bind = {"tcp://127.0.0.1:*"}, .private_bind = {"tcp://127.0.0.1:*"}},
      measurements_,
      log_};
  StatusTopic status_{{}, publisher_, measurements_.upstream};

 protected:
  test::Subscriber everyone_{publisher_.endpoints(Audience::everyone).front()};
  test::Subscriber owner_{publisher_.endpoints(Audience::account).front()};
};

TEST_F(StatusTopicTest, TellsTheOwnerAloneWhatARefusalSaysOfTheAccount) {
  status().rejected("trade.A", 4006, kWords);
  const auto in_public = next(everyone_);
  EXPECT_EQ(in_public["stream"], "trade.A");
  EXPECT_EQ(in_public["code"], 4006);
  EXPECT_EQ(in_public["message"], "withheld: it names a stream of the account");
  EXPECT_EQ(next(owner_)["message"], kWords);
}

TEST_F(StatusTopicTest, TellsTheOwnerAloneThatAStreamOfTheAccountIsRefused) {
  status().rejected("account.orderUpdate", 4003, "Invalid signature");
  status().gap("account.orderUpdate", 7, 9);
  status().shutdown();
  EXPECT_EQ(next(everyone_)["event"], "shutdown");
  EXPECT_EQ(next(owner_)["message"], "Invalid signature");
  EXPECT_EQ(next(owner_)["got"], 9);
}

TEST_F(StatusTopicTest, TellsEveryoneWhatARefusalSaysOfAPublicStream) {
  status().rejected("trade.A", 4006, "Invalid market");
  EXPECT_EQ(next(everyone_)["message"], "Invalid market");
  EXPECT_EQ(next(owner_)["message"], "Invalid market");
}

TEST_F(StatusTopicTest, TellsTheOwnerAloneWhyAConnectionEndedWhereThatNamesTheAccount) {
  status().disconnected({.reason = "close", .detail = kWords, .code = 1008, .retry = 250ms});
  const auto in_public = next(everyone_);
  EXPECT_EQ(in_public["code"], 1008);
  EXPECT_EQ(in_public["retry_ms"], 250);
  EXPECT_FALSE(in_public.contains("detail"));
  EXPECT_EQ(next(owner_)["detail"], kWords);
}

}  // namespace
}  // namespace bpx::bridge
