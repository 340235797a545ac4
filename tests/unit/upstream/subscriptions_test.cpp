#include "bridge/upstream/subscriptions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <tuple>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;
using namespace std::chrono_literals;
using State = Subscriptions::State;
using TimePoint = Subscriptions::TimePoint;

constexpr std::int64_t kInvalidSignature = 4003;
constexpr std::int64_t kInvalidStream = 4006;
constexpr std::int64_t kAlreadySubscribed = 4999;  // made up: no such error was ever seen

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back("trade.S" + std::to_string(i));
  return names;
}

/// An exchange in a few lines: what it does with requests, and when its answers arrive, on a clock
/// that jumps from event to event.
class ModelExchange {
 public:
  std::set<std::string> unknown;
  std::set<std::string> quiet;  ///< streams that exist but have nothing to say
  bool spoils_request = true;
  bool echoes_id = false;
  bool acknowledges = false;
  bool refuses_repetition = false;  ///< of what is subscribed already, for all of the request
  int refused_signatures = 0;       ///< how many signed requests are still refused
  Subscriptions::Milliseconds latency{20};
  Subscriptions::Milliseconds jitter{
      0};  ///< up to which each answer takes longer; none overtakes another

  std::set<std::string> subscribed;
  std::vector<Subscriptions::Request> requests;

  explicit ModelExchange(Subscriptions& subscriptions, unsigned seed = 1)
      : subscriptions_(subscriptions), random_(seed) {}

  /// Plays until nothing is due any more. Fails the test if that takes more than an hour of model
  /// time.
  void play() {
    const auto end = now_ + 1h;
    for (;;) {
      while (const auto request = subscriptions_.next_request(now_)) receive(*request);
      const auto next = next_event();
      if (!next) return;
      ASSERT_LT(*next, end) << "it never ends";
      now_ = std::max(now_, *next);
      deliver();
    }
  }

  void drop_connection() {
    events_.clear();
    subscribed.clear();
    now_ += 10s;
    subscriptions_.connection_opened();
  }

  TimePoint now() const { return now_; }

  void send_error(std::int64_t code, std::optional<std::uint64_t> id = std::nullopt) {
    subscriptions_.on_error(id, code, "message", now_);
  }

 private:
  using Event = std::function<void()>;

  void receive(const Subscriptions::Request& request) {
    requests.push_back(request);
    const auto id = echoes_id ? std::optional(request.id) : std::nullopt;
    if (request.is_private && refused_signatures > 0) {
      --refused_signatures;
      return later([this, id] { send_error(kInvalidSignature, id); });
    }
    if (request.is_afresh)
      for (const auto stream : request.streams) subscribed.erase(std::string(stream));
    const auto is_subscribed = [&](std::string_view s) {
      return subscribed.contains(std::string(s));
    };
    if (refuses_repetition && std::ranges::any_of(request.streams, is_subscribed))
      return later([this, id] { send_error(kAlreadySubscribed, id); });
    const auto is_unknown = [&](std::string_view s) { return unknown.contains(std::string(s)); };
    const auto bad = std::ranges::count_if(request.streams, is_unknown);
    const auto errors = spoils_request ? std::min<std::ptrdiff_t>(bad, 1) : bad;
    for (std::ptrdiff_t i = 0; i < errors; ++i)
      later([this, id] { send_error(kInvalidStream, id); });
    if (bad == 0 && acknowledges)
      later([this, id = request.id] { subscriptions_.on_acknowledgement(id); });
    if (bad > 0 && spoils_request) return;
    for (const auto stream : request.streams) {
      if (is_unknown(stream)) continue;
      subscribed.emplace(stream);
      if (!quiet.contains(std::string(stream)))
        later([this, stream] { subscriptions_.on_data(stream); });
    }
  }

  void later(Event event) {
    const auto extra = jitter.count() > 0 ? jitter * static_cast<int>(random_() % 100) / 100 : 0ms;
    last_answer_ = std::max(last_answer_, now_ + latency + extra);
    events_.emplace(last_answer_, std::move(event));
  }

  std::optional<TimePoint> next_event() const {
    auto next = subscriptions_.next_deadline();
    if (!events_.empty()) next = std::min(next.value_or(TimePoint::max()), events_.begin()->first);
    return next;
  }

  void deliver() {
    while (!events_.empty() && events_.begin()->first <= now_) {
      const auto event = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      event();
    }
  }

  Subscriptions& subscriptions_;
  TimePoint now_ = TimePoint{} + 1h;
  TimePoint last_answer_{};
  std::minstd_rand random_;
  std::multimap<TimePoint, Event> events_;
};

std::vector<std::string> names_of(const std::vector<Subscriptions::Rejection>& rejections) {
  std::vector<std::string> names;
  for (const auto& rejection : rejections) names.emplace_back(rejection.stream);
  return names;
}

TEST(Subscriptions, AsksForEverythingInBatches) {
  Subscriptions subscriptions({.batch = 100}, numbered(250));
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  exchange.play();
  ASSERT_EQ(exchange.requests.size(), 3U);
  EXPECT_EQ(exchange.requests[0].streams.size(), 100U);
  EXPECT_EQ(exchange.requests[2].streams.size(), 50U);
  EXPECT_EQ(exchange.subscribed.size(), 250U);
  EXPECT_EQ(subscriptions.count(State::live), 250U);
  EXPECT_TRUE(subscriptions.all_requested());
}

TEST(Subscriptions, NeverMixesPrivateAndPublicStreamsInARequest) {
  Subscriptions subscriptions(
      {}, {"trade.A", "account.orderUpdate", "trade.B", "account.balanceUpdate"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  exchange.play();
  ASSERT_EQ(exchange.requests.size(), 2U);
  EXPECT_TRUE(exchange.requests[0].is_private);
  EXPECT_THAT(exchange.requests[0].streams,
              ElementsAre("account.orderUpdate", "account.balanceUpdate"));
  EXPECT_FALSE(exchange.requests[1].is_private);
  EXPECT_THAT(exchange.requests[1].streams, ElementsAre("trade.A", "trade.B"));
}

TEST(Subscriptions, AsksOnceForAStreamThatIsListedTwice) {
  Subscriptions subscriptions({}, {"trade.A", "trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  exchange.play();
  ASSERT_EQ(exchange.requests.size(), 1U);
  EXPECT_THAT(exchange.requests[0].streams, ElementsAre("trade.A"));
}

TEST(Subscriptions, TakesSilenceForAcceptance) {
  Subscriptions subscriptions({}, {"liquidation"});
  ModelExchange exchange(subscriptions);
  exchange.quiet = {"liquidation"};
  subscriptions.connection_opened();
  exchange.play();
  EXPECT_EQ(subscriptions.state_of("liquidation"), State::requested);
  EXPECT_TRUE(subscriptions.all_requested());
  EXPECT_EQ(exchange.requests.size(), 1U);
}

/// spoils the whole request, echoes ids, acknowledges, share of quiet streams in percent
using Manners = std::tuple<bool, bool, bool, int>;

class SubscriptionsWithManners : public testing::TestWithParam<Manners> {};

TEST_P(SubscriptionsWithManners, FindThreeBadNamesAmong250AndCarryTheRest) {
  const auto [spoils, echoes, acknowledges, quiet_percent] = GetParam();
  Subscriptions subscriptions({.batch = 100}, numbered(250));
  ModelExchange exchange(subscriptions);
  exchange.spoils_request = spoils;
  exchange.echoes_id = echoes;
  exchange.acknowledges = acknowledges;
  exchange.unknown = {"trade.S3", "trade.S120", "trade.S121"};
  for (int i = 0; i < 250; ++i)
    if (i * 37 % 100 < quiet_percent) exchange.quiet.insert("trade.S" + std::to_string(i));
  subscriptions.connection_opened();
  exchange.play();
  EXPECT_THAT(names_of(subscriptions.take_rejections()),
              UnorderedElementsAreArray(exchange.unknown));
  EXPECT_EQ(exchange.subscribed.size(), 247U);
  EXPECT_EQ(subscriptions.count(State::rejected), 3U);
  EXPECT_EQ(subscriptions.count(State::waiting), 0U);
  EXPECT_FALSE(subscriptions.all_requested());
}

INSTANTIATE_TEST_SUITE_P(OfAnyExchange, SubscriptionsWithManners,
                         testing::Combine(testing::Bool(), testing::Bool(), testing::Bool(),
                                          testing::Values(0, 50, 100)));

TEST(Subscriptions, NarrowDownOneBadNameAmongTenThousandWithoutAskingForAllAgain) {
  Subscriptions subscriptions({.batch = 100}, numbered(10'000));
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.S7777"};
  subscriptions.connection_opened();
  exchange.play();
  EXPECT_THAT(names_of(subscriptions.take_rejections()), ElementsAre("trade.S7777"));
  EXPECT_EQ(exchange.subscribed.size(), 9'999U);
  EXPECT_LT(exchange.requests.size(), 120U);
}

TEST(Subscriptions, RejectABadNameThatStandsAloneOnlyAtTheSecondError) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  TimePoint now = TimePoint{} + 1h;
  ASSERT_TRUE(subscriptions.next_request(now));
  subscriptions.on_error(std::nullopt, kInvalidStream, "Invalid stream", now);
  EXPECT_THAT(subscriptions.take_rejections(), IsEmpty());
  now += 10s;
  ASSERT_TRUE(subscriptions.next_request(now));
  subscriptions.on_error(std::nullopt, kInvalidStream, "Invalid stream", now);
  const auto rejections = subscriptions.take_rejections();
  ASSERT_EQ(rejections.size(), 1U);
  EXPECT_EQ(rejections[0].stream, "trade.A");
  EXPECT_EQ(rejections[0].code, kInvalidStream);
  EXPECT_EQ(rejections[0].message, "Invalid stream");
}

TEST(Subscriptions, RejectAtOnceWhereTheExchangeNamesTheRequest) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  const auto request = subscriptions.next_request(TimePoint{} + 1h);
  ASSERT_TRUE(request);
  EXPECT_TRUE(subscriptions.on_error(request->id, kInvalidStream, "m", TimePoint{} + 1h));
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::rejected);
}

TEST(Subscriptions, LayAnUnknownErrorToTheRequestsInDoubtToo) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B"});
  subscriptions.connection_opened();
  ASSERT_TRUE(subscriptions.next_request(TimePoint{} + 1h));
  EXPECT_TRUE(subscriptions.on_error(std::nullopt, 5000, "Overloaded", TimePoint{} + 1h));
  EXPECT_FALSE(subscriptions.all_requested());
}

class SubscriptionsWithRefusedSignatures : public testing::TestWithParam<bool> {
 protected:
  SubscriptionsWithRefusedSignatures() { exchange_.echoes_id = GetParam(); }

  Subscriptions subscriptions_{{}, {"account.orderUpdate", "account.balanceUpdate", "trade.A"}};
  ModelExchange exchange_{subscriptions_};
};

TEST_P(SubscriptionsWithRefusedSignatures, SignAnewAndSucceed) {
  exchange_.refused_signatures = 3;
  subscriptions_.connection_opened();
  const auto start = exchange_.now();
  exchange_.play();
  EXPECT_EQ(subscriptions_.count(State::live), 3U);
  EXPECT_THAT(subscriptions_.take_rejections(), IsEmpty());
  EXPECT_GE(exchange_.now() - start, 500ms + 1s + 2s);  // the delay grows
}

TEST_P(SubscriptionsWithRefusedSignatures, GiveUpAfterThreeRetriesWhilePublicDataFlows) {
  exchange_.refused_signatures = 1000;
  subscriptions_.connection_opened();
  exchange_.play();
  const auto is_private = [](const auto& request) { return request.is_private; };
  EXPECT_EQ(std::ranges::count_if(exchange_.requests, is_private), 4);
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::live);
  EXPECT_EQ(subscriptions_.state_of("account.orderUpdate"), State::rejected);
  const auto rejections = subscriptions_.take_rejections();
  ASSERT_EQ(rejections.size(), 2U);
  EXPECT_EQ(rejections[0].code, kInvalidSignature);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutIds, SubscriptionsWithRefusedSignatures, testing::Bool());

TEST(Subscriptions, NeverLayAnInvalidSignatureToAPublicStream) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  ASSERT_TRUE(subscriptions.next_request(TimePoint{} + 1h));
  subscriptions.on_error(std::nullopt, kInvalidSignature, "m", TimePoint{} + 1h);
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
}

TEST(Subscriptions, AskForEverythingAgainOnANewConnection) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  exchange.play();
  exchange.drop_connection();
  EXPECT_EQ(subscriptions.count(State::waiting), 2U);
  exchange.play();
  EXPECT_EQ(exchange.subscribed.size(), 2U);
  EXPECT_EQ(subscriptions.count(State::live), 2U);
}

TEST(Subscriptions, TryARejectedNameAgainOnANewConnectionWithoutEndangeringTheRest) {
  Subscriptions subscriptions({}, {"trade.A", "trade.new", "trade.B"});
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.new"};
  subscriptions.connection_opened();
  exchange.play();
  ASSERT_EQ(names_of(subscriptions.take_rejections()), std::vector<std::string>{"trade.new"});

  exchange.drop_connection();
  exchange.requests.clear();
  exchange.play();
  EXPECT_THAT(subscriptions.take_rejections(), IsEmpty()) << "it was announced already";
  EXPECT_THAT(exchange.requests[0].streams, ElementsAre("trade.A", "trade.B"));
  EXPECT_EQ(subscriptions.state_of("trade.new"), State::rejected);

  exchange.unknown.clear();  // the market is listed at last
  exchange.drop_connection();
  exchange.play();
  EXPECT_EQ(subscriptions.state_of("trade.new"), State::live);
  EXPECT_TRUE(subscriptions.all_requested());
}

TEST(Subscriptions, ReopenTheCaseForAnErrorThatComesAfterTheVerdict) {
  Subscriptions subscriptions({.timing = {.verdict_after = 100ms}},
                              {"trade.A", "trade.bad", "trade.B"});
  ModelExchange exchange(subscriptions);
  exchange.latency = 150ms;
  exchange.unknown = {"trade.bad"};
  subscriptions.connection_opened();
  exchange.play();
  EXPECT_EQ(subscriptions.count(State::live), 2U);
  EXPECT_EQ(subscriptions.state_of("trade.bad"), State::rejected);
}

TEST(Subscriptions, SilenceNoGoodStreamEvenWhereAnswersComeLaterThanExpected) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Subscriptions subscriptions({.batch = 10, .timing = {.verdict_after = 500ms, .settle = 150ms}},
                                numbered(40));
    ModelExchange exchange(subscriptions, seed);
    exchange.latency = 100ms;
    exchange.jitter = 800ms;
    exchange.unknown = {"trade.S3", "trade.S" + std::to_string(4 + seed % 36)};
    for (unsigned i = 0; i < 40; i += 2) exchange.quiet.insert("trade.S" + std::to_string(i));
    subscriptions.connection_opened();
    exchange.play();
    EXPECT_EQ(exchange.subscribed.size(), 38U) << "seed " << seed;
    EXPECT_THAT(names_of(subscriptions.take_rejections()),
                UnorderedElementsAreArray(exchange.unknown))
        << "seed " << seed;
  }
}

TEST(Subscriptions, AreNotRejectedForBeingAskedForTwice) {
  for (const bool spoils : {false, true}) {
    for (const bool echoes : {false, true}) {
      Subscriptions subscriptions({.batch = 10, .timing = {.verdict_after = 100ms}}, numbered(30));
      ModelExchange exchange(subscriptions);
      exchange.refuses_repetition = true;
      exchange.spoils_request = spoils;
      exchange.echoes_id = echoes;
      exchange.latency = 150ms;  // beyond the verdict, so that all is asked for again
      exchange.unknown = {"trade.S3"};
      for (int i = 0; i < 30; i += 2) exchange.quiet.insert("trade.S" + std::to_string(i));
      subscriptions.connection_opened();
      exchange.play();
      EXPECT_EQ(exchange.subscribed.size(), 29U);
      EXPECT_THAT(names_of(subscriptions.take_rejections()), ElementsAre("trade.S3"))
          << "spoils " << spoils << ", echoes " << echoes;
    }
  }
}

TEST(Subscriptions, RejectOnAnUndocumentedErrorOnceItIsNoRepetition) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  TimePoint now = TimePoint{} + 1h;
  auto request = subscriptions.next_request(now);
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->is_afresh);
  subscriptions.on_error(request->id, kAlreadySubscribed, "m", now);
  EXPECT_THAT(subscriptions.take_rejections(), IsEmpty());
  now += 10s;
  request = subscriptions.next_request(now);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->is_afresh);
  subscriptions.on_error(request->id, kAlreadySubscribed, "m", now);
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::rejected);
}

TEST(Subscriptions, SignAnewWhereTheRefusalComesDuringAnotherProbe) {
  Subscriptions subscriptions({}, {"account.orderUpdate", "trade.new"});
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.new"};
  exchange.quiet = {"account.orderUpdate"};
  subscriptions.connection_opened();
  exchange.play();
  exchange.drop_connection();
  exchange.refused_signatures = 1;
  exchange.requests.clear();
  auto now = exchange.now();
  ASSERT_TRUE(subscriptions.next_request(now)->is_private);
  now += 1100ms;  // beyond the verdict: the name rejected before is asked for
  ASSERT_FALSE(subscriptions.next_request(now)->is_private);
  subscriptions.on_error(std::nullopt, kInvalidSignature, "Invalid signature", now);
  exchange.refused_signatures = 0;
  exchange.play();
  const auto is_private = [](const auto& request) { return request.is_private; };
  EXPECT_GE(std::ranges::count_if(exchange.requests, is_private), 1) << "it was not signed anew";
  EXPECT_EQ(subscriptions.state_of("account.orderUpdate"), State::requested);
}

TEST(Subscriptions, AreNotHeldUpForEverByErrorsThatNeverEnd) {
  Subscriptions subscriptions({.timing = {.verdict_after = 1000ms, .settle = 250ms}},
                              {"trade.A", "trade.B"});
  subscriptions.connection_opened();
  auto now = TimePoint{} + 1h;
  ASSERT_TRUE(subscriptions.next_request(now));
  int requests = 0;
  for (int i = 0; i < 300; ++i) {
    now += 100ms;
    while (subscriptions.next_request(now)) ++requests;
    subscriptions.on_error(std::nullopt, 5000, "slow down", now);
  }
  EXPECT_GT(requests, 1);
}

TEST(Subscriptions, AreNotAskedForAgainWhereTheExchangeAcknowledgedThem) {
  Subscriptions subscriptions({}, {"trade.quiet"});
  ModelExchange exchange(subscriptions);
  exchange.quiet = {"trade.quiet"};
  exchange.acknowledges = true;
  subscriptions.connection_opened();
  exchange.play();
  exchange.send_error(5000);
  exchange.play();
  EXPECT_EQ(exchange.requests.size(), 1U);
}

TEST(Subscriptions, AreNotDrivenInCirclesByErrorsThatAreNotAboutThem) {
  Subscriptions subscriptions({}, {"trade.A", "trade.quiet"});
  ModelExchange exchange(subscriptions);
  exchange.quiet = {"trade.quiet"};
  subscriptions.connection_opened();
  exchange.play();
  for (int i = 0; i < 50; ++i) {
    exchange.send_error(5000);
    exchange.play();
  }
  EXPECT_LT(exchange.requests.size(), 20U);
  EXPECT_EQ(subscriptions.count(State::rejected), 0U);
}

TEST(Subscriptions, IgnoreDataAndAnswersTheyKnowNothingOf) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  subscriptions.on_data("trade.unrequested");
  subscriptions.on_acknowledgement(99);
  subscriptions.on_acknowledgement(std::nullopt);
  EXPECT_FALSE(subscriptions.on_error(99, kInvalidStream, "m", TimePoint{} + 1h));
  EXPECT_EQ(subscriptions.count(State::waiting), 1U);
  EXPECT_FALSE(subscriptions.state_of("trade.unrequested"));
}

}  // namespace
}  // namespace bpx::bridge
