#include "bridge/relay/answers.hpp"

#include "bridge/relay/relay.hpp"
#include "tests/support/padded.hpp"
#include "tests/support/subscriber.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <thread>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;
using Flag = proto::MessageHeader::Flag;

constexpr std::size_t kMessageBytes = 60'000;
constexpr std::uint64_t kMessages = 100;  // several turns of answering
constexpr std::size_t kMostWaiting = std::size_t{2} << 20U;
constexpr std::string_view kStream = "trade.SOL_USDC";

class AnswersTest : public testing::Test {
 protected:
  AnswersTest() {
    relay_.begin_connection(1);
    const auto text =
        R"({"stream":"trade.SOL_USDC","data":{"x":")" + std::string(kMessageBytes, 'x') + R"("}})";
    const test::Padded message(text);
    for (std::uint64_t i = 0; i < kMessages; ++i) relay_.accept(message.view(), Moment::now());
  }

  static Subscription subscription(const std::string& topic, std::uint64_t caller) {
    return {.topic = topic, .peer = {}, .caller = {.descriptor = 100, .number = caller}};
  }

  void wait_for_subscriptions(int count) {
    struct Asked final : SubscriptionReceiver {
      bool on_subscription(const Subscription& /*asked*/) override { return ++seen, false; }
      int seen = 0;
    } asked;
    ASSERT_TRUE(test::comes_true([&] {
      publisher_.drain_requests(asked);
      return asked.seen >= count;
    }));
  }

  std::uint64_t served() const { return measurements_.replays[ReplayResult::served].value(); }
  std::uint64_t bytes() const { return measurements_.everyone.bytes.value(); }

  Log log_{{.sink = [](LogLevel, std::string_view) {}}};
  Measurements measurements_{{std::string(kStream)}};
  Publisher publisher_{
      {.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {}, .send_hwm = 1000, .linger = 0ms},
      measurements_,
      log_};
  History history_{{}};
  StreamTable streams_{{std::string(kStream)}, "", measurements_, history_};
  Relay relay_{7, streams_, publisher_, measurements_};
  Replay replay_{7, streams_, publisher_, measurements_};
  BookAnswers books_{streams_, replay_, publisher_, measurements_};
  Answers answers_{kMostWaiting, replay_, books_, measurements_};
  const std::string all_ = "bridge.replay/" + std::string(kStream) + "/1/";
  const std::string last_ = "bridge.replay/" + std::string(kStream) + "/last/";
};

TEST_F(AnswersTest, GoOnAMebibyteATurn) {
  EXPECT_TRUE(answers_.go_on()) << "nobody has asked";
  ASSERT_TRUE(answers_.ask(subscription(all_ + "a", 1)));
  const auto before = bytes();
  for (auto is_over = false; !is_over;) {
    const auto begin = bytes();
    is_over = answers_.go_on();
    ASSERT_LE(bytes() - begin, Answers::kTurnBytes + kMessageBytes + 100);
  }
  EXPECT_GE(bytes() - before, kMessages * kMessageBytes);
  EXPECT_EQ(served(), 1U);
}

TEST_F(AnswersTest, LetNobodyWaitForAnothersLongOne) {
  ASSERT_TRUE(answers_.ask(subscription(all_ + "a", 1)));
  EXPECT_FALSE(answers_.go_on());
  ASSERT_TRUE(answers_.ask(subscription(last_ + "b", 2)));
  answers_.go_on();
  answers_.go_on();
  EXPECT_EQ(served(), 1U) << "the short one, while the long one is under way";
  while (!answers_.go_on()) continue;
  EXPECT_EQ(served(), 2U);
}

TEST_F(AnswersTest, AreNotBegunTwiceBeforeTheirEnd) {
  ASSERT_TRUE(answers_.ask(subscription(all_ + "a", 1)));
  EXPECT_FALSE(answers_.ask(subscription(all_ + "a", 1)));
  while (!answers_.go_on()) continue;
  EXPECT_EQ(served(), 1U);
  EXPECT_TRUE(answers_.ask(subscription(all_ + "a", 1)));
}

TEST_F(AnswersTest, EndWhereWhoAskedGivesUp) {
  ASSERT_TRUE(answers_.ask(subscription(all_ + "a", 1)));
  ASSERT_FALSE(answers_.go_on());
  answers_.give_up(subscription(all_ + "a", 1));
  const auto before = bytes();
  EXPECT_TRUE(answers_.go_on());
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(served(), 0U);
}

TEST_F(AnswersTest, ComeToWhoeverReadsThoughSomebodyWhoDoesNotHasAllThatMayWait) {
  Answers answers(1, replay_, books_, measurements_);
  const auto endpoint = publisher_.endpoints(Audience::everyone).front();
  zmq::context_t context{1};
  zmq::socket_t frozen(context, zmq::socket_type::sub);
  frozen.set(zmq::sockopt::linger, 0);
  frozen.set(zmq::sockopt::rcvhwm, 1);
  frozen.set(zmq::sockopt::rcvbuf, 4096);
  frozen.set(zmq::sockopt::subscribe, all_);
  frozen.connect(endpoint);
  wait_for_subscriptions(1);
  // Far more than the system's buffers take in, until nothing of it goes on.
  for (const auto* id : {"a", "b", "c", "d", "e"})
    ASSERT_TRUE(answers.ask(subscription(all_ + id, 1)));
  for (int idle = 0; idle < 100; ++idle) {
    const auto before = bytes();
    answers.go_on();
    if (bytes() != before || measurements_.replay_backlog.value() == 0) idle = 0;
    std::this_thread::sleep_for(1ms);
  }

  test::Subscriber consumer(endpoint, {last_ + "x"});
  wait_for_subscriptions(1);
  ASSERT_TRUE(answers.ask(subscription(last_ + "x", 2)));
  std::optional<test::Message> message;
  ASSERT_TRUE(test::comes_true([&] {
    answers.go_on();
    return (message = consumer.receive(1ms)).has_value();
  }));
  EXPECT_EQ(message->header.sequence, kMessages);
}

TEST_F(AnswersTest, WaitForAConsumerThatIsSlowAndLoseNothingMeanwhile) {
  const auto topic = all_ + "a";
  test::Subscriber consumer(publisher_.endpoints(Audience::everyone).front(), {topic});
  wait_for_subscriptions(1);

  ASSERT_TRUE(answers_.ask(subscription(topic, 1)));
  std::uint64_t next = 1;
  std::uint64_t most = 0;
  const auto end = std::chrono::steady_clock::now() + test::kDeadline;
  for (bool has_ended = false; !has_ended;) {
    answers_.go_on();
    most = std::max<std::uint64_t>(most, measurements_.replay_backlog.value());
    while (const auto message = consumer.receive(1ms)) {
      has_ended = (message->header.flags & Flag::end_of_replay) != 0;
      if (has_ended) break;
      ASSERT_EQ(message->header.sequence, next++);
    }
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "stuck before " << next;
  }
  EXPECT_EQ(next, kMessages + 1);
  EXPECT_LE(most, kMostWaiting + kMessageBytes + 1000);
}

}  // namespace
}  // namespace bpx::bridge
