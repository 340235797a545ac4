#include "bridge/upstream/subscriptions.hpp"

#include "bridge/upstream/pace.hpp"

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
using testing::Pair;
using testing::UnorderedElementsAreArray;
using namespace std::chrono_literals;
using State = Subscriptions::State;
using TimePoint = Subscriptions::TimePoint;

constexpr std::int64_t kInvalidSignature = 4003;
constexpr std::int64_t kInvalidStream = 4006;
// Made up: no such error was ever seen.
constexpr std::int64_t kAlreadySubscribed = 4999;
constexpr std::int64_t kNotSubscribed = 4998;
constexpr std::int64_t kOdd = 4100;
constexpr std::int64_t kTooMany = 4010;

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back("trade.S" + std::to_string(i));
  return names;
}

/// How many of what is wanted are in that state.
std::size_t count(const Subscriptions& subscriptions, State state) {
  const auto& streams = subscriptions.streams();
  return static_cast<std::size_t>(std::ranges::count_if(
      streams, [&](const auto& entry) { return subscriptions.state_of(entry.first) == state; }));
}

bool all_requested(const Subscriptions& subscriptions) {
  return count(subscriptions, State::waiting) == 0 && count(subscriptions, State::rejected) == 0;
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
  bool refuses_ends = false;  ///< of what is not subscribed
  std::int64_t unknown_code = kInvalidStream;
  bool refuses_repetition = false;    ///< of what is subscribed already, for all of the request
  std::size_t room = 1'000'000;       ///< streams that fit
  bool looks_at_names_first = false;  ///< and then whether there is room
  bool ignores_requests = false;
  bool answers_pings = true;
  Pace pace{1'000'000};        ///< at which it is asked
  int refused_signatures = 0;  ///< how many signed requests are still refused
  Subscriptions::Milliseconds latency{20};
  Subscriptions::Milliseconds jitter{
      0};  ///< up to which each answer takes longer; none overtakes another
  Subscriptions::Milliseconds lateness{0};  ///< by which errors come behind what they precede
  Subscriptions::Milliseconds lateness_jitter{0};  ///< up to which each comes later still

  struct Request {
    std::uint64_t id = 0;
    bool is_end = false;
    bool is_private = false;
    std::vector<std::string> streams;
    TimePoint at;
  };

  std::set<std::string> subscribed;
  std::vector<Request> requests;
  std::vector<TimePoint> signed_at;  ///< when private streams were asked for
  int errors_about_nothing = 0;
  std::string words;  ///< of every error; empty: made of its code

  explicit ModelExchange(Subscriptions& subscriptions, unsigned seed = 1)
      : subscriptions_(subscriptions), random_(seed) {}

  /// Plays until nothing is due any more. Fails the test if that takes more than an hour of model
  /// time.
  void play() {
    const auto end = now_ + 1h;
    for (;;) {
      ask();
      const auto next = next_event();
      if (!next) return;
      ASSERT_LT(*next, end) << "it never ends";
      now_ = std::max(now_, *next);
      deliver();
    }
  }

  void play_for(Subscriptions::Milliseconds duration) {
    const auto end = now_ + duration;
    for (;;) {
      ask();
      const auto next = next_event();
      if (!next || *next > end) break;
      now_ = std::max(now_, *next);
      deliver();
    }
    now_ = end;
  }

  void drop_connection() {
    events_.clear();
    subscribed.clear();
    now_ += 10s;
    subscriptions_.connection_opened();
  }

  TimePoint now() const { return now_; }

  void send_error(std::int64_t code, std::optional<std::uint64_t> id = std::nullopt) {
    if (!subscriptions_.on_error(id, code,
                                 words.empty() ? "message " + std::to_string(code) : words, now_))
      ++errors_about_nothing;
  }

 private:
  using Event = std::function<void()>;

  void ask() {
    while (pace.next() <= now_) {
      const auto request = subscriptions_.next_request(now_);
      if (!request) return;
      pace.sent(now_);
      receive(*request);
    }
  }

  void receive(const Subscriptions::Request& request) {
    requests.push_back({request.id,
                        request.is_end,
                        request.is_private,
                        {request.streams.begin(), request.streams.end()},
                        now_});
    if (request.is_private && !request.is_end) signed_at.push_back(now_);
    if (!ignores_requests) answer(requests.back());
    if (answers_pings) later([this, id = request.id] { subscriptions_.on_fence(id, now_); });
  }

  void answer(const Request& request) {
    const auto id = echoes_id ? std::optional(request.id) : std::nullopt;
    if (request.is_end) return end(request, id);
    if (request.is_private && refused_signatures > 0) {
      --refused_signatures;
      return refuse([this, id] { send_error(kInvalidSignature, id); });
    }
    const auto is_subscribed = [&](const std::string& s) { return subscribed.contains(s); };
    if (refuses_repetition && std::ranges::any_of(request.streams, is_subscribed))
      return refuse([this, id] { send_error(kAlreadySubscribed, id); });
    const auto is_unknown = [&](const std::string& s) { return unknown.contains(s); };
    const auto bad = std::ranges::count_if(request.streams, is_unknown);
    const auto more = std::ranges::count_if(request.streams, std::not_fn(is_subscribed));
    const bool is_full = subscribed.size() + static_cast<std::size_t>(more) > room;
    if (is_full && !(looks_at_names_first && bad > 0))
      return refuse([this, id] { send_error(kTooMany, id); });
    const auto errors = spoils_request ? std::min<std::ptrdiff_t>(bad, 1) : bad;
    for (std::ptrdiff_t i = 0; i < errors; ++i)
      refuse([this, id] { send_error(unknown_code, id); });
    if (bad == 0 && acknowledges)
      later([this, id = request.id] { subscriptions_.on_acknowledgement(id); });
    if (bad > 0 && spoils_request) return;
    for (const auto& stream : request.streams) {
      if (is_unknown(stream)) continue;
      subscribed.emplace(stream);
      if (!quiet.contains(stream)) later([this, name = stream] { subscriptions_.on_data(name); });
    }
  }

  void end(const Request& request, std::optional<std::uint64_t> id) {
    std::size_t ended = 0;
    for (const auto& stream : request.streams) ended += subscribed.erase(stream);
    if (refuses_ends && ended < request.streams.size())
      refuse([this, id] { send_error(kNotSubscribed, id); });
    else if (acknowledges)
      later([this, id = request.id] { subscriptions_.on_acknowledgement(id); });
  }

  void later(Event event) {
    last_answer_ = std::max(last_answer_, now_ + latency + up_to(jitter));
    events_.emplace(last_answer_, std::move(event));
  }

  void refuse(Event event) {
    if (lateness == 0ms) return later(std::move(event));
    const auto in_time = std::max(last_answer_, now_ + latency + up_to(jitter));
    last_late_ = std::max(last_late_, in_time + lateness + up_to(lateness_jitter));
    events_.emplace(last_late_, std::move(event));
  }

  Subscriptions::Milliseconds up_to(Subscriptions::Milliseconds most) {
    return most * static_cast<int>(random_() % 100) / 100;
  }

  std::optional<TimePoint> next_event() const {
    auto next = pace.next() > now_ ? pace.next() : subscriptions_.next_deadline();
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
  TimePoint last_late_{};
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
  EXPECT_EQ(count(subscriptions, State::live), 250U);
  EXPECT_TRUE(all_requested(subscriptions));
}

TEST(Subscriptions, TakeNoLongerForTenThousandStreamsThanThePaceDemands) {
  for (const auto& [per_second, most] : {std::pair(5U, 25s), std::pair(10'000U, 1s)}) {
    Subscriptions subscriptions({.batch = 100}, numbered(10'000));
    ModelExchange exchange(subscriptions);
    exchange.latency = 50ms;
    exchange.pace = Pace(per_second);
    subscriptions.connection_opened(per_second);
    exchange.play_for(most);
    EXPECT_EQ(exchange.subscribed.size(), 10'000U) << per_second;
  }
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
              ElementsAre("account.balanceUpdate", "account.orderUpdate"));
  EXPECT_FALSE(exchange.requests[1].is_private);
  EXPECT_THAT(exchange.requests[1].streams, ElementsAre("trade.A", "trade.B"));
}

TEST(Subscriptions, AskForPublicStreamsWhilePrivateOnesWaitToBeSigned) {
  Subscriptions subscriptions({}, {"account.orderUpdate", "trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened(5, /*may_sign=*/false);
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("trade.A"));
  EXPECT_EQ(subscriptions.state_of("account.orderUpdate"), State::waiting);
  subscriptions.allow_signing();
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("account.orderUpdate", "trade.A"));
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
  EXPECT_TRUE(all_requested(subscriptions));
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
  EXPECT_EQ(count(subscriptions, State::rejected), 3U);
  EXPECT_EQ(count(subscriptions, State::waiting), 0U);
  EXPECT_FALSE(all_requested(subscriptions));
  EXPECT_EQ(exchange.errors_about_nothing, 0);
}

TEST_P(SubscriptionsWithManners, FindBadNamesThatAreRefusedByACodeNobodyKnows) {
  const auto [spoils, echoes, acknowledges, quiet_percent] = GetParam();
  for (const bool refuses_ends : {false, true}) {
    Subscriptions subscriptions({.batch = 10}, numbered(40));
    ModelExchange exchange(subscriptions);
    exchange.spoils_request = spoils;
    exchange.echoes_id = echoes;
    exchange.acknowledges = acknowledges;
    exchange.refuses_ends = refuses_ends;
    exchange.unknown_code = kOdd;
    exchange.unknown = {"trade.S3", "trade.S21"};
    for (int i = 0; i < 40; ++i)
      if (i * 37 % 100 < quiet_percent) exchange.quiet.insert("trade.S" + std::to_string(i));
    subscriptions.connection_opened();
    exchange.play();
    const auto rejections = subscriptions.take_rejections();
    EXPECT_THAT(names_of(rejections), UnorderedElementsAreArray(exchange.unknown));
    for (const auto& rejection : rejections) {
      EXPECT_EQ(rejection.code, kOdd);
      EXPECT_EQ(rejection.message, "message 4100");
    }
    EXPECT_EQ(exchange.subscribed.size(), 38U) << "refuses ends: " << refuses_ends;
    EXPECT_EQ(count(subscriptions, State::rejected), 2U);
    EXPECT_EQ(count(subscriptions, State::waiting), 0U);
    EXPECT_EQ(exchange.errors_about_nothing, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(OfAnyExchange, SubscriptionsWithManners,
                         testing::Combine(testing::Bool(), testing::Bool(), testing::Bool(),
                                          testing::Values(0, 50, 100)));

TEST(Subscriptions, NarrowDownOneBadNameAmongTenThousandWithoutAskingForAllAgain) {
  Subscriptions subscriptions({.batch = 100}, numbered(10'000));
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.S7777"};
  subscriptions.connection_opened(5);
  exchange.play();
  EXPECT_THAT(names_of(subscriptions.take_rejections()), ElementsAre("trade.S7777"));
  EXPECT_EQ(exchange.subscribed.size(), 9'999U);
  EXPECT_LT(exchange.requests.size(), 120U);
}

/// Requests one after the other, as they go out; their fences come when a test says so.
class Asked : public testing::Test {
 protected:
  Subscriptions::Request next(Subscriptions& subscriptions) {
    auto request = subscriptions.next_request(now_);
    EXPECT_TRUE(request);
    return request.value_or(Subscriptions::Request{});
  }

  TimePoint now_ = TimePoint{} + 1h;
};

TEST_F(Asked, IsRefusedAndConfirmedOnceBeforeItIsRejectedWhereNoNameIsGiven) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  auto request = next(subscriptions);
  EXPECT_TRUE(subscriptions.on_error(std::nullopt, kInvalidStream, "Invalid stream", now_));
  subscriptions.on_fence(request.id, now_);
  EXPECT_THAT(subscriptions.take_rejections(), IsEmpty());
  request = next(subscriptions);
  EXPECT_TRUE(subscriptions.on_error(std::nullopt, kInvalidStream, "Invalid stream", now_));
  subscriptions.on_fence(request.id, now_);
  const auto rejections = subscriptions.take_rejections();
  ASSERT_EQ(rejections.size(), 1U);
  EXPECT_EQ(rejections[0].stream, "trade.A");
  EXPECT_EQ(rejections[0].code, kInvalidStream);
  EXPECT_EQ(rejections[0].message, "Invalid stream");
}

TEST_F(Asked, IsRejectedAtOnceWhereTheExchangeNamesTheRequest) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  const auto request = next(subscriptions);
  EXPECT_TRUE(subscriptions.on_error(request.id, kInvalidStream, "m", now_));
  subscriptions.on_fence(request.id, now_);
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::rejected);
}

TEST_F(Asked, MayGetAnErrorForEachBadName) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B", "trade.C"});
  subscriptions.connection_opened();
  const auto request = next(subscriptions);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(subscriptions.on_error(request.id, kInvalidStream, "m", now_));
  EXPECT_FALSE(subscriptions.on_error(request.id + 1, kInvalidStream, "m", now_));
}

TEST_F(Asked, IsLaidTheErrorThatComesBeforeItsFence) {
  Subscriptions subscriptions({.batch = 1}, {"trade.A", "trade.B"});
  subscriptions.connection_opened();
  const auto first = next(subscriptions);
  const auto second = next(subscriptions);
  subscriptions.on_fence(first.id, now_);
  EXPECT_TRUE(subscriptions.on_error(std::nullopt, kInvalidStream, "m", now_));
  subscriptions.on_fence(second.id, now_);
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
  EXPECT_EQ(subscriptions.state_of("trade.B"), State::waiting);
  EXPECT_EQ(next(subscriptions).streams, std::vector<std::string>{"trade.B"});
}

TEST_F(Asked, IsJudgedTooWhereTheFenceNeverComesBack) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  next(subscriptions);
  EXPECT_TRUE(subscriptions.on_error(std::nullopt, kInvalidStream, "m", now_));
  ASSERT_TRUE(subscriptions.next_deadline());
  now_ = *subscriptions.next_deadline();
  EXPECT_EQ(next(subscriptions).streams, std::vector<std::string>{"trade.A"});
}

TEST_F(Asked, IsLaidAnUnknownErrorToo) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B"});
  subscriptions.connection_opened();
  const auto request = next(subscriptions);
  EXPECT_TRUE(subscriptions.on_error(std::nullopt, 5000, "Overloaded", now_));
  subscriptions.on_fence(request.id, now_);
  EXPECT_FALSE(all_requested(subscriptions));
}

TEST_F(Asked, IsForPartsAsManyAsMayGoAtOnceOfARequestThatWasRefused) {
  Subscriptions subscriptions({}, numbered(100));
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.S37"};
  for (const std::size_t at_once : {1, 5, 1'000}) {
    exchange.requests.clear();
    exchange.subscribed.clear();
    subscriptions.connection_opened(at_once);
    exchange.play();
    EXPECT_EQ(exchange.subscribed.size(), 99U);
    EXPECT_EQ(exchange.requests[1].streams.size(), at_once == 1 ? 50U : at_once == 5 ? 20U : 1U);
    subscriptions = Subscriptions({}, numbered(100));
  }
}

TEST_F(Asked, IsForEveryGoodNameWithinTwoRoundTrips) {
  Subscriptions subscriptions({.batch = 100}, numbered(250));
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.S3", "trade.S120", "trade.S221"};
  for (const auto& name : numbered(250)) exchange.quiet.insert(name);
  subscriptions.connection_opened();
  exchange.play_for(exchange.latency + 1ms);
  EXPECT_EQ(exchange.subscribed.size(), 247U);
}

class SubscriptionsWithRefusedSignatures : public testing::TestWithParam<bool> {
 protected:
  SubscriptionsWithRefusedSignatures() { exchange_.echoes_id = GetParam(); }

  Subscriptions subscriptions_{{.retry_rejected = 5min},
                               {"account.orderUpdate", "account.balanceUpdate", "trade.A"}};
  ModelExchange exchange_{subscriptions_};
};

TEST_P(SubscriptionsWithRefusedSignatures, SignAnewAndSucceed) {
  exchange_.refused_signatures = 3;
  subscriptions_.connection_opened();
  exchange_.play();
  EXPECT_EQ(count(subscriptions_, State::live), 3U);
  EXPECT_THAT(subscriptions_.take_rejections(), IsEmpty());
  const auto& times = exchange_.signed_at;
  ASSERT_EQ(times.size(), 4U);
  for (int i = 1; i < 4; ++i) {  // the delay doubles: 500 ms, 1 s, 2 s
    const auto delay =
        times.at(static_cast<std::size_t>(i)) - times.at(static_cast<std::size_t>(i) - 1);
    EXPECT_GE(delay, 250ms * (1 << i));
    EXPECT_LT(delay, 400ms * (1 << i));
  }
}

TEST_P(SubscriptionsWithRefusedSignatures, GiveUpAfterThreeRetriesWhilePublicDataFlows) {
  exchange_.refused_signatures = 1000;
  subscriptions_.connection_opened();
  exchange_.play_for(10s);
  const auto is_private = [](const auto& request) { return request.is_private; };
  EXPECT_EQ(std::ranges::count_if(exchange_.requests, is_private), 4);
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::live);
  EXPECT_EQ(subscriptions_.state_of("account.orderUpdate"), State::rejected);
  const auto rejections = subscriptions_.take_rejections();
  ASSERT_EQ(rejections.size(), 2U);
  EXPECT_EQ(rejections[0].code, kInvalidSignature);
}

TEST_P(SubscriptionsWithRefusedSignatures, AskAgainOnTheSameConnectionUntilAClockIsRight) {
  exchange_.refused_signatures = 1000;
  subscriptions_.connection_opened();
  exchange_.play_for(1h);
  EXPECT_EQ(subscriptions_.take_rejections().size(), 2U) << "announced more than once";
  EXPECT_EQ(subscriptions_.state_of("account.orderUpdate"), State::rejected);
  const auto before = exchange_.requests.size();
  EXPECT_LT(before, 30U) << "it presses the exchange";
  exchange_.refused_signatures = 0;
  exchange_.play_for(5min);
  EXPECT_EQ(count(subscriptions_, State::live), 3U);
  EXPECT_THAT(subscriptions_.take_rejections(), IsEmpty());
}

TEST_P(SubscriptionsWithRefusedSignatures, AreRejectedAnewOnANewConnection) {
  exchange_.refused_signatures = 1000;
  subscriptions_.connection_opened();
  exchange_.play_for(2min);
  exchange_.drop_connection();
  exchange_.play_for(2min);
  EXPECT_EQ(subscriptions_.state_of("account.orderUpdate"), State::rejected);
  exchange_.refused_signatures = 0;
  exchange_.play();
  EXPECT_EQ(count(subscriptions_, State::live), 3U);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutIds, SubscriptionsWithRefusedSignatures, testing::Bool());

TEST(Subscriptions, NeverLayAnInvalidSignatureToAPublicStream) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  const auto request = subscriptions.next_request(TimePoint{} + 1h);
  ASSERT_TRUE(request);
  subscriptions.on_error(std::nullopt, kInvalidSignature, "m", TimePoint{} + 1h);
  subscriptions.on_fence(request->id, TimePoint{} + 1h);
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
}

TEST(Subscriptions, AskForEverythingAgainOnANewConnection) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  exchange.play();
  exchange.drop_connection();
  EXPECT_EQ(count(subscriptions, State::waiting), 2U);
  exchange.play();
  EXPECT_EQ(exchange.subscribed.size(), 2U);
  EXPECT_EQ(count(subscriptions, State::live), 2U);
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
  EXPECT_TRUE(all_requested(subscriptions));
}

TEST(Subscriptions, BringBackWhatWasAcceptedApartFromConfiguredNamesNotYetJudged) {
  auto names = numbered(100);
  std::set<std::string> unknown;
  for (std::ptrdiff_t i = 0; i < 20; ++i) {
    const auto bad = "trade.BAD" + std::to_string(i);
    unknown.insert(bad);
    names.insert(names.begin() + 6 * i, bad);
  }
  Subscriptions subscriptions({.batch = 200}, names);
  ModelExchange exchange(subscriptions);
  exchange.unknown = unknown;
  subscriptions.connection_opened(5);
  exchange.play_for(3 * exchange.latency);  // in the midst of the search
  const auto accepted = exchange.subscribed;
  ASSERT_FALSE(accepted.empty());
  ASSERT_LT(count(subscriptions, State::rejected), 20U);

  exchange.requests.clear();
  exchange.drop_connection();
  exchange.play_for(1ms);
  for (const auto& name : exchange.requests[0].streams)
    EXPECT_TRUE(accepted.contains(name)) << name << " was never accepted";
  exchange.play();
  EXPECT_EQ(exchange.subscribed.size(), 100U);
  EXPECT_EQ(count(subscriptions, State::rejected), 20U);
}

TEST(Subscriptions, AskApartForWhatTheExchangeDoesNotList) {
  std::vector<std::string> names = numbered(97);
  for (const auto* bad : {"trade.BAD", "depth.200ms.BAD", "kline.1m.BAD"}) names.push_back(bad);
  Subscriptions subscriptions({}, names);
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.BAD", "depth.200ms.BAD", "kline.1m.BAD"};
  std::set<std::string, std::less<>> symbols;
  for (int i = 0; i < 97; ++i) symbols.insert('S' + std::to_string(i));
  subscriptions.connection_opened(5);
  subscriptions.next_request(exchange.now());  // before the list is known
  subscriptions.learn_markets(symbols);
  exchange.drop_connection();
  exchange.play();
  EXPECT_EQ(exchange.requests.size(), 5U) << "those listed, the others, and each of these";
  EXPECT_EQ(count(subscriptions, State::live), 97U);
  EXPECT_EQ(count(subscriptions, State::rejected), 3U);
}

TEST(Subscriptions, AskApartForWhatIsNotListedWhereARequestWasRefused) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B", "trade.BAD", "account.orderUpdate"});
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.BAD"};
  subscriptions.connection_opened(2);
  exchange.play_for(exchange.latency / 2);
  subscriptions.learn_markets({"A", "B"});
  exchange.play();
  ASSERT_EQ(exchange.requests.size(), 4U);
  EXPECT_THAT(exchange.requests[2].streams, ElementsAre("trade.A", "trade.B"));
  EXPECT_THAT(exchange.requests[3].streams, ElementsAre("trade.BAD"));
  EXPECT_EQ(count(subscriptions, State::rejected), 1U);
}

TEST(Subscriptions, FindManyBadNamesAmongGoodOnes) {
  std::vector<std::string> names;
  std::set<std::string> unknown;
  for (const auto& good : numbered(100)) {
    names.push_back(good);
    unknown.insert(names.emplace_back("trade.BAD" + good));
  }
  for (const std::size_t at_once : {1, 5, 1'000}) {
    Subscriptions subscriptions({}, names);
    ModelExchange exchange(subscriptions);
    exchange.unknown = unknown;
    subscriptions.connection_opened(at_once);
    exchange.play();
    EXPECT_EQ(count(subscriptions, State::live), 100U);
    EXPECT_THAT(names_of(subscriptions.take_rejections()), UnorderedElementsAreArray(unknown));
  }
}

TEST(Subscriptions, AskForTheGoodNamesAmongBadOnesWithinThreeSecondsOnceTheListIsThere) {
  for (const auto list_after : {100ms, 300ms, 1'000ms}) {
    Subscriptions subscriptions({.batch = 100}, numbered(250));
    ModelExchange exchange(subscriptions);
    exchange.latency = 50ms;
    exchange.pace = Pace(5);  // as by default
    exchange.unknown = {"trade.S3", "trade.S120", "trade.S221"};
    std::set<std::string, std::less<>> listed;
    for (const auto& name : numbered(250)) {
      exchange.quiet.insert(name);
      if (!exchange.unknown.contains(name)) listed.insert(name.substr(name.find('.') + 1));
    }
    subscriptions.connection_opened(5);
    exchange.play_for(list_after);
    subscriptions.learn_markets(listed);
    exchange.play_for(3s - list_after);
    EXPECT_EQ(exchange.subscribed.size(), 247U) << list_after.count();
  }
}

/// What is asked for again in the end, as by default.
const Subscriptions::Options kAsShipped{
    .batch = 10, .resubscribe_after = 60s, .retry_rejected = 5min};

/// The order in which errors and pongs come is the exchange's: it may even change.
TEST(Subscriptions, SilenceNoGoodStreamEvenWhereErrorsComeBehindTheirFences) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Subscriptions subscriptions(kAsShipped, numbered(40));
    ModelExchange exchange(subscriptions, seed);
    exchange.echoes_id = seed % 3 == 0;
    exchange.jitter = 20ms;
    exchange.lateness = Subscriptions::Milliseconds(1 + seed * 7);
    exchange.lateness_jitter = 50ms;
    exchange.unknown = {"trade.S3", "trade.S" + std::to_string(4 + seed % 36)};
    for (unsigned i = 0; i < 40; i += 2) exchange.quiet.insert("trade.S" + std::to_string(i));
    subscriptions.connection_opened(seed % 2 == 0 ? 5 : 1'000);
    exchange.play_for(1h);
    EXPECT_EQ(exchange.subscribed.size(), 38U) << "seed " << seed;
    EXPECT_EQ(count(subscriptions, State::rejected), 2U) << "seed " << seed;
    for (const auto& name : exchange.unknown)
      EXPECT_EQ(subscriptions.state_of(name), State::rejected) << "seed " << seed;
  }
}

TEST(Subscriptions, AreNotRejectedForBeingAskedForTwice) {
  for (const bool spoils : {false, true}) {
    for (const bool echoes : {false, true}) {
      Subscriptions subscriptions({.batch = 10}, numbered(30));
      ModelExchange exchange(subscriptions);
      exchange.refuses_repetition = true;
      exchange.spoils_request = spoils;
      exchange.echoes_id = echoes;
      exchange.lateness = 150ms;  // so that all is asked for again
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

TEST(Subscriptions, StayRequestedWhileARepetitionIsRefused) {
  bool is_repeating = false;
  std::vector<std::string> fallen_back;
  Subscriptions subscriptions({.resubscribe_after = 60s,
                               .on_change =
                                   [&](std::string_view stream, State state) {
                                     if (is_repeating && state != State::requested)
                                       fallen_back.emplace_back(stream);
                                   }},
                              numbered(100));
  ModelExchange exchange(subscriptions);
  exchange.refuses_repetition = true;
  exchange.pace = Pace(5);
  for (const auto& name : numbered(100)) exchange.quiet.insert(name);
  subscriptions.connection_opened(5);
  exchange.play_for(30s);
  ASSERT_EQ(count(subscriptions, State::requested), 100U);
  exchange.requests.clear();
  is_repeating = true;
  exchange.play_for(5min);
  EXPECT_GT(exchange.requests.size(), 1U);
  EXPECT_THAT(fallen_back, IsEmpty());
}

TEST(Subscriptions, AreNotLiveByWhatStillComesOfAnEarlierOne) {
  Subscriptions subscriptions({}, {});
  subscriptions.connection_opened();
  subscriptions.want("trade.A");
  ASSERT_TRUE(subscriptions.next_request({}));
  subscriptions.on_data("trade.A");
  subscriptions.unwant("trade.A");
  const auto end = subscriptions.next_request({});
  ASSERT_TRUE(end && end->is_end);
  subscriptions.want("trade.A");
  subscriptions.on_data("trade.A");  // on its way when the end was said
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::waiting);
  const auto again = subscriptions.next_request({});
  ASSERT_TRUE(again);
  subscriptions.on_data("trade.A");  // likewise, as the exchange has yet to read either
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::waiting);
  subscriptions.on_fence(end->id, {});  // what comes now is of the one that was asked for again
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
  subscriptions.on_data("trade.A");
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::live);
}

/// A stream that was ended and is asked for again, and a clock.
class SubscriptionsBehindAnEnd : public testing::Test {
 protected:
  SubscriptionsBehindAnEnd() {
    subscriptions_.connection_opened();
    subscriptions_.want("trade.A");
    first_ = ask();
  }

  /// Where an exchange is to be known to answer fences, the first one has come back before.
  void end_and_ask_again() {
    subscriptions_.on_data("trade.A");
    subscriptions_.unwant("trade.A");
    end_ = ask();
    subscriptions_.want("trade.A");
    again_ = ask();
  }

  std::uint64_t ask() {
    const auto request = subscriptions_.next_request(now_);
    EXPECT_TRUE(request);
    return request ? request->id : 0;
  }

  State state_after_data() {
    subscriptions_.on_data("trade.A");
    return subscriptions_.state_of("trade.A").value_or(State::rejected);
  }

  Subscriptions subscriptions_{{}, {}};
  Subscriptions::TimePoint now_{};
  std::uint64_t first_ = 0, end_ = 0, again_ = 0;
};

TEST_F(SubscriptionsBehindAnEnd, AreTakenAtTheirWordWhereNoFenceEverComesBack) {
  end_and_ask_again();
  now_ += 3s;
  EXPECT_FALSE(subscriptions_.next_request(now_));
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::requested);
}

TEST_F(SubscriptionsBehindAnEnd, AreAskedForAgainWhereAFenceIsLost) {
  subscriptions_.on_fence(first_, now_);
  end_and_ask_again();
  now_ += 3s;
  const auto third = ask();
  EXPECT_EQ(state_after_data(), State::waiting) << "that no fence is back proves nothing";
  subscriptions_.on_fence(third, now_);
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::requested);
  EXPECT_EQ(state_after_data(), State::live);
}

TEST_F(SubscriptionsBehindAnEnd, AreInForceWhereTheRepetitionIsRefusedForWhateverReason) {
  subscriptions_.on_fence(first_, now_);
  end_and_ask_again();
  now_ += 3s;
  const auto third = ask();
  subscriptions_.on_error(third, kOdd, "no", now_);
  subscriptions_.on_fence(third, now_);
  EXPECT_THAT(subscriptions_.take_rejections(), IsEmpty());
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::requested);
  EXPECT_EQ(state_after_data(), State::live);
}

TEST_F(SubscriptionsBehindAnEnd, AreProvedByNoErrorWhoseFenceIsLost) {
  subscriptions_.on_fence(first_, now_);
  end_and_ask_again();
  subscriptions_.on_error(again_, kOdd, "subscribed already", now_);
  now_ += 3s;
  const auto third = ask();
  EXPECT_EQ(state_after_data(), State::waiting);
  subscriptions_.on_fence(third, now_);
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::requested);
}

TEST_F(SubscriptionsBehindAnEnd, AreTakenAtTheirWordOnceNoFenceComesBackAnyMore) {
  subscriptions_.on_fence(first_, now_);
  end_and_ask_again();
  for (int i = 0; i < 10 && subscriptions_.state_of("trade.A") == State::waiting; ++i) {
    EXPECT_EQ(state_after_data(), State::waiting);
    now_ += 3s;
    subscriptions_.next_request(now_);
  }
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::requested);
  now_ += 1h;
  EXPECT_FALSE(subscriptions_.next_request(now_));
  EXPECT_EQ(state_after_data(), State::live);
}

TEST_F(SubscriptionsBehindAnEnd, AreNotTakenAtTheirWordForOneStallWithManyRequestsUnderWay) {
  subscriptions_.on_fence(first_, now_);
  end_and_ask_again();
  subscriptions_.want("trade.B");
  ask();
  now_ += 3s;
  const auto repetition = ask();
  EXPECT_EQ(state_after_data(), State::waiting) << "that no fence is back proves nothing";
  subscriptions_.on_fence(repetition, now_);
  EXPECT_EQ(state_after_data(), State::live);
}

TEST_F(SubscriptionsBehindAnEnd, AreProvedByAFenceThatComesLate) {
  subscriptions_.on_fence(first_, now_);
  end_and_ask_again();
  now_ += 3s;
  ask();
  subscriptions_.on_fence(end_, now_);
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::requested);
  EXPECT_EQ(state_after_data(), State::live);
}

TEST_F(SubscriptionsBehindAnEnd, AreProvedByNoFenceOfAnEarlierRequest) {
  end_and_ask_again();
  subscriptions_.on_fence(first_, now_);
  EXPECT_EQ(state_after_data(), State::waiting);
  subscriptions_.unwant("trade.A");
  ask();
  subscriptions_.want("trade.A");
  ask();
  subscriptions_.on_fence(again_, now_);
  EXPECT_EQ(state_after_data(), State::waiting) << "it was ended once more";
}

TEST(Subscriptions, AreLiveByWhatComesAtOnceWhereTheEarlierOneHasEnded) {
  Subscriptions subscriptions({}, {});
  subscriptions.connection_opened();
  subscriptions.want("trade.A");
  ASSERT_TRUE(subscriptions.next_request({}));
  subscriptions.unwant("trade.A");
  const auto end = subscriptions.next_request({});
  ASSERT_TRUE(end && end->is_end);
  subscriptions.on_fence(end->id, {});
  subscriptions.want("trade.A");
  ASSERT_TRUE(subscriptions.next_request({}));
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
  subscriptions.on_data("trade.A");
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::live);
}

TEST(Subscriptions, AreNotAcceptedByWhatStillComesOfAnEarlierOneHoweverOftenTheyChangeTheirMind) {
  Subscriptions subscriptions({}, {});
  subscriptions.connection_opened();
  subscriptions.want("trade.A");
  ASSERT_TRUE(subscriptions.next_request({}));
  subscriptions.unwant("trade.A");
  ASSERT_TRUE(subscriptions.next_request({}));
  subscriptions.want("trade.A");
  ASSERT_TRUE(subscriptions.next_request({}));
  subscriptions.unwant("trade.A");
  subscriptions.want("trade.A");
  subscriptions.on_data("trade.A");
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::waiting);
  const auto last = subscriptions.next_request({});
  ASSERT_TRUE(last && !last->is_end);
  subscriptions.on_data("trade.A");
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::waiting);
  subscriptions.on_error(last->id, kInvalidStream, "Invalid stream", {});
  subscriptions.on_fence(last->id, {});
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::rejected);
}

TEST(Subscriptions, AreToldToBeWaitingOnceNobodyWantsThem) {
  std::vector<std::pair<std::string, State>> told;
  Subscriptions subscriptions({.canary = "trade.B",
                               .on_change = [&](std::string_view stream,
                                                State state) { told.emplace_back(stream, state); }},
                              {});
  for (const auto* stream : {"trade.A", "trade.B"}) subscriptions.want(stream);
  subscriptions.connection_opened();
  subscriptions.next_request({});
  for (const auto* stream : {"trade.A", "trade.B"}) subscriptions.on_data(stream);
  told.clear();
  for (const auto* stream : {"trade.A", "trade.B"})  // the canary goes on being sent, for nobody
    for (int i = 0; i < 2; ++i) subscriptions.unwant(stream);
  EXPECT_THAT(told, ElementsAre(Pair("trade.A", State::waiting), Pair("trade.B", State::waiting)));
}

TEST(Subscriptions, AreNotRejectedWhereTheExchangeSaysThatTheyAreSubscribedAlready) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.A"};
  exchange.unknown_code = kOdd;
  exchange.words = "Already subscribed";
  subscriptions.connection_opened();
  exchange.play();
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
}

TEST(Subscriptions, AreAskedForAgainAtDoublingIntervalsUntilTheyDeliver) {
  Subscriptions subscriptions({.resubscribe_after = 60s}, {"trade.A", "trade.B", "trade.C"});
  ModelExchange exchange(subscriptions);
  exchange.quiet = {"trade.B", "trade.C"};
  subscriptions.connection_opened();
  exchange.play_for(2h);
  std::vector<double> minutes;
  for (const auto& request : exchange.requests)
    minutes.push_back(
        std::chrono::duration<double>(request.at - exchange.requests.front().at).count() / 60);
  ASSERT_GE(minutes.size(), 9U);
  for (std::size_t i = 1; i < minutes.size(); ++i) {
    EXPECT_NEAR(minutes[i] - minutes[i - 1], 1 << std::min<std::size_t>(i - 1, 4), 0.1) << i;
    EXPECT_THAT(exchange.requests[i].streams, ElementsAre("trade.B", "trade.C")) << i;
  }
  EXPECT_TRUE(all_requested(subscriptions));
}

TEST(Subscriptions, AreSubscribedToThoughTheExchangeDroppedTheirRequest) {
  Subscriptions subscriptions({.resubscribe_after = 60s}, numbered(20));
  ModelExchange exchange(subscriptions);
  exchange.ignores_requests = true;
  subscriptions.connection_opened();
  exchange.play_for(1s);
  exchange.ignores_requests = false;
  exchange.play_for(60s);
  EXPECT_EQ(count(subscriptions, State::live), 20U);
}

TEST(Subscriptions, AreTriedAgainOnTheSameConnectionOnceRejectedAtDoublingIntervals) {
  Subscriptions subscriptions({.retry_rejected = 5min}, {"trade.A", "trade.LATE"});
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.LATE"};
  subscriptions.connection_opened();
  exchange.play_for(14s);
  EXPECT_EQ(subscriptions.state_of("trade.LATE"), State::rejected);
  exchange.requests.clear();
  exchange.play_for(1h);
  EXPECT_EQ(exchange.requests.size(), 15U) << "15, 30, 60, 120, 240, 300, 300 … s apart";
  for (const auto& request : exchange.requests)
    EXPECT_THAT(request.streams, ElementsAre("trade.LATE"));
  EXPECT_EQ(subscriptions.take_rejections().size(), 1U) << "it is news once";
  EXPECT_THAT(subscriptions.take_recoveries(), IsEmpty());
  exchange.unknown.clear();
  exchange.play_for(5min);
  EXPECT_EQ(count(subscriptions, State::live), 2U);
  EXPECT_THAT(subscriptions.take_recoveries(), ElementsAre("trade.LATE"));
  EXPECT_THAT(subscriptions.take_recoveries(), IsEmpty()) << "that, too";
}

class SubscriptionsBeyondACap : public testing::TestWithParam<std::tuple<bool, std::size_t>> {};

TEST_P(SubscriptionsBeyondACap, FillItAndAreRejectedThenQuietUntilThereIsRoom) {
  const auto [echoes, at_once] = GetParam();
  Subscriptions subscriptions({.retry_rejected = 5min}, numbered(1'000));
  ModelExchange exchange(subscriptions);
  exchange.echoes_id = echoes;
  exchange.room = 250;
  exchange.pace = Pace(at_once);
  subscriptions.connection_opened(at_once);
  exchange.play_for(at_once == 1 ? 60s : 10s);
  EXPECT_EQ(count(subscriptions, State::live), 250U);
  EXPECT_EQ(count(subscriptions, State::rejected), 750U);
  const auto rejections = subscriptions.take_rejections();
  ASSERT_EQ(rejections.size(), 750U);
  EXPECT_EQ(rejections[0].code, kTooMany);
  if (at_once < 10) {
    EXPECT_LT(exchange.requests.size(), 60U);
  }

  exchange.requests.clear();
  exchange.play_for(1h);
  EXPECT_LE(exchange.requests.size(), 18U) << "15, 30, 60, 120, 240, 300, 300 … s apart, and once "
                                              "each that was refused before it was full";
  exchange.play_for(23h);
  exchange.requests.clear();
  exchange.play_for(1h);
  EXPECT_LE(exchange.requests.size(), 12U) << "it does not stay quiet";
  std::set<std::string> tried;
  for (const auto& request : exchange.requests)
    tried.insert(request.streams.begin(), request.streams.end());
  EXPECT_EQ(tried.size(), exchange.requests.size()) << "each time another, which may fit or be bad";
  exchange.room = 2'000;
  exchange.play_for(10min);
  EXPECT_EQ(count(subscriptions, State::live), 1'000U);
  EXPECT_THAT(subscriptions.take_rejections(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(OfAnExchange, SubscriptionsBeyondACap,
                         testing::Combine(testing::Bool(), testing::Values(1, 5, 1'000)));

TEST(Subscriptions, GoOnTryingForRoomThoughTheOneThatIsTriedIsNoName) {
  Subscriptions subscriptions({.retry_rejected = 5min}, numbered(100));
  ModelExchange exchange(subscriptions);
  exchange.looks_at_names_first = true;
  exchange.room = 50;
  subscriptions.connection_opened(5);
  exchange.play_for(10s);
  ASSERT_EQ(count(subscriptions, State::rejected), 50U);
  for (const auto& [name, stream] : subscriptions.streams())
    if (stream.state == State::rejected) exchange.unknown.insert(name);
  const auto good = *exchange.unknown.rbegin();
  exchange.unknown.erase(good);  // the last of the names: others are tried before
  exchange.room = 1'000;
  exchange.play_for(6h);
  EXPECT_TRUE(exchange.subscribed.contains(good));
  EXPECT_EQ(count(subscriptions, State::live), 51U);
}

TEST(Subscriptions, GoOnTryingForRoomThoughNobodyWantsTheOneThatIsTriedAnyMore) {
  Subscriptions subscriptions({.retry_rejected = 5min}, {});
  for (const auto& name : numbered(100)) subscriptions.want(name);
  ModelExchange exchange(subscriptions);
  exchange.room = 50;
  subscriptions.connection_opened(5);
  exchange.play_for(10s);
  ASSERT_EQ(count(subscriptions, State::rejected), 50U);
  const auto requests = exchange.requests.size();
  while (exchange.requests.size() == requests) exchange.play_for(exchange.latency / 4);
  ASSERT_EQ(exchange.requests.back().streams.size(), 1U);
  const auto tried = exchange.requests.back().streams.front();
  subscriptions.unwant(tried);
  exchange.room = 1'000;
  exchange.play_for(10min);
  EXPECT_EQ(count(subscriptions, State::live), 99U);
  EXPECT_FALSE(subscriptions.state_of(tried));
}

TEST(Subscriptions, AreAskedForTogetherOnANewConnectionThoughTheyDidNotFit) {
  Subscriptions subscriptions({}, numbered(1'000));
  ModelExchange exchange(subscriptions);
  exchange.room = 250;
  subscriptions.connection_opened(5);
  exchange.play();
  ASSERT_EQ(count(subscriptions, State::rejected), 750U);
  exchange.room = 1'000;
  exchange.requests.clear();
  exchange.drop_connection();
  exchange.play();
  EXPECT_EQ(count(subscriptions, State::live), 1'000U);
  EXPECT_LE(exchange.requests.size(), 11U);
}

TEST(Subscriptions, TellNoBadNamesOfAnUnknownCodeForAFullExchange) {
  for (const std::size_t at_once : {1, 5, 1'000}) {
    Subscriptions subscriptions({}, numbered(200));
    ModelExchange exchange(subscriptions);
    exchange.unknown_code = kOdd;
    exchange.unknown = {"trade.S3", "trade.S77", "trade.S150"};
    subscriptions.connection_opened(at_once);
    exchange.play();
    EXPECT_EQ(exchange.subscribed.size(), 197U) << at_once;
  }
}

TEST(Subscriptions, AreNotHeldUpForEverByErrorsThatNeverEnd) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B"});
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
  EXPECT_EQ(count(subscriptions, State::rejected), 0U);
}

TEST(Subscriptions, IgnoreDataAndAnswersTheyKnowNothingOf) {
  Subscriptions subscriptions({}, {"trade.A"});
  subscriptions.connection_opened();
  subscriptions.on_data("trade.unrequested");
  subscriptions.on_acknowledgement(99);
  subscriptions.on_acknowledgement(std::nullopt);
  EXPECT_FALSE(subscriptions.on_error(99, kInvalidStream, "m", TimePoint{} + 1h));
  EXPECT_EQ(count(subscriptions, State::waiting), 1U);
  EXPECT_FALSE(subscriptions.state_of("trade.unrequested"));
}

TEST(SubscriptionsOnDemand, AreAskedForOnTheStandingConnection) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  exchange.play();
  subscriptions.want("trade.B");
  subscriptions.want("trade.C");
  subscriptions.want("trade.B");
  EXPECT_EQ(subscriptions.state_of("trade.B"), State::waiting);
  exchange.play();
  ASSERT_EQ(exchange.requests.size(), 2U);
  EXPECT_THAT(exchange.requests[1].streams, ElementsAre("trade.B", "trade.C"));
  EXPECT_EQ(subscriptions.state_of("trade.B"), State::live);
  EXPECT_EQ(count(subscriptions, State::live), 3U);
}

TEST(SubscriptionsOnDemand, EndByUnsubscribing) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  exchange.quiet = {"trade.C"};
  subscriptions.connection_opened();
  for (const auto* stream : {"trade.B", "trade.C"}) subscriptions.want(stream);
  exchange.play();
  for (const auto* stream : {"trade.B", "trade.C", "trade.A", "trade.D"})
    subscriptions.unwant(stream);
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("trade.A")) << "which was wanted from the start";
  EXPECT_EQ(subscriptions.state_of("trade.B"), std::nullopt);
  subscriptions.on_data("trade.B");  // what was under way
  EXPECT_EQ(subscriptions.state_of("trade.B"), std::nullopt);
  EXPECT_TRUE(all_requested(subscriptions));
}

TEST(Subscriptions, MayBeLastingAndCeaseToBe) {
  Subscriptions subscriptions({}, {"trade.A", "trade.B"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  exchange.play();
  subscriptions.want("trade.C");
  subscriptions.set_lasting("trade.C", true);
  subscriptions.set_lasting("trade.A", false);
  for (const auto* stream : {"trade.A", "trade.B", "trade.C"}) subscriptions.unwant(stream);
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("trade.B", "trade.C"));
  EXPECT_EQ(subscriptions.state_of("trade.A"), std::nullopt);
  EXPECT_TRUE(all_requested(subscriptions));
}

TEST(SubscriptionsOnDemand, AreAskedForAgainOnTheNextConnection) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.want("trade.B");
  subscriptions.want("trade.C");
  subscriptions.unwant("trade.C");
  subscriptions.connection_opened();
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("trade.A", "trade.B"));
  exchange.drop_connection();
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("trade.A", "trade.B"));
  EXPECT_EQ(count(subscriptions, State::live), 2U);
}

TEST(SubscriptionsOnDemand, MayEndBeforeTheyBegan) {
  Subscriptions subscriptions({.batch = 1}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  for (const auto* stream : {"trade.B", "trade.C", "trade.D"}) subscriptions.want(stream);
  ASSERT_TRUE(subscriptions.next_request(exchange.now()));
  for (const auto* stream : {"trade.B", "trade.C", "trade.D"}) subscriptions.unwant(stream);
  subscriptions.want("trade.C");
  exchange.play();
  subscriptions.connection_opened();
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("trade.A", "trade.C"));
  EXPECT_EQ(count(subscriptions, State::live), 2U);
  EXPECT_TRUE(all_requested(subscriptions));
}

TEST(SubscriptionsOnDemand, AreInForceWhereTheirEndWasNeverSaidAndTheRepetitionIsRefused) {
  Subscriptions subscriptions({}, {});
  subscriptions.connection_opened();
  subscriptions.want("trade.A");
  const auto first = subscriptions.next_request({});
  ASSERT_TRUE(first);
  subscriptions.on_fence(first->id, {});
  subscriptions.unwant("trade.A");
  subscriptions.want("trade.A");
  const auto repetition = subscriptions.next_request({});
  ASSERT_TRUE(repetition && !repetition->is_end);
  subscriptions.on_error(repetition->id, kOdd, "no", {});
  subscriptions.on_fence(repetition->id, {});
  EXPECT_THAT(subscriptions.take_rejections(), IsEmpty());
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
}

TEST(SubscriptionsOnDemand, AreAskedForAnewThoughDataOfTheSubscriptionThatEndsIsUnderWay) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  subscriptions.want("trade.B");
  exchange.play();
  subscriptions.unwant("trade.B");
  ASSERT_TRUE(subscriptions.next_request(exchange.now())->is_end);
  subscriptions.want("trade.B");
  subscriptions.on_data("trade.B");
  const auto request = subscriptions.next_request(exchange.now());
  ASSERT_TRUE(request) << "it would never come again";
  EXPECT_THAT(request->streams, ElementsAre("trade.B"));
}

TEST(SubscriptionsOnDemand, DoNotSilenceAnyoneByABadName) {
  Subscriptions subscriptions({}, numbered(20));
  ModelExchange exchange(subscriptions);
  exchange.unknown = {"trade.BAD"};
  subscriptions.connection_opened();
  exchange.play();
  for (const auto* stream : {"trade.B", "trade.BAD", "trade.C"}) subscriptions.want(stream);
  exchange.play();
  EXPECT_EQ(subscriptions.state_of("trade.BAD"), State::rejected);
  EXPECT_EQ(count(subscriptions, State::live), 22U);
  subscriptions.unwant("trade.BAD");
  EXPECT_TRUE(all_requested(subscriptions));
}

TEST(SubscriptionsOnDemand, MayComeAndGoForEverWithoutLosingAnyone) {
  Subscriptions subscriptions({}, numbered(5));
  ModelExchange exchange(subscriptions, 3);
  std::minstd_rand random(3);
  subscriptions.connection_opened();
  std::set<std::string> wanted;
  for (int round = 0; round < 5'000; ++round) {
    const auto stream = "ticker.T" + std::to_string(random() % 20'000);
    exchange.requests.clear();
    subscriptions.want(stream);
    wanted.insert(stream);
    if (wanted.size() > 20) {
      subscriptions.unwant(*wanted.begin());
      wanted.erase(wanted.begin());
    }
    if (round % 1'000 == 999) exchange.drop_connection();
    exchange.play();
    ASSERT_EQ(count(subscriptions, State::live), 5 + wanted.size());
  }
  for (const auto& stream : numbered(5)) wanted.insert(stream);
  EXPECT_EQ(exchange.subscribed, wanted);
}

/// How much may be remembered of what is wanted no more.
constexpr std::size_t kForgetful = 5'000;

TEST(SubscriptionsOnDemand, AreForgottenThoughTheExchangeAnswersNothing) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  exchange.quiet = {"trade.A"};
  exchange.answers_pings = false;
  subscriptions.connection_opened();
  exchange.play_for(1s);
  for (int i = 0; i < 100'000; ++i) {
    const auto name = "ticker.T" + std::to_string(i);
    subscriptions.want(name);
    subscriptions.unwant(name);
    ASSERT_LT(subscriptions.streams().size(), kForgetful) << i;
  }
  subscriptions.want("trade.B");
  exchange.play();
  EXPECT_THAT(exchange.subscribed, ElementsAre("trade.A", "trade.B"));
  EXPECT_EQ(subscriptions.state_of("trade.A"), State::requested);
  EXPECT_EQ(subscriptions.state_of("trade.B"), State::live);
}

TEST(SubscriptionsOnDemand, AreForgottenInTheMidstOfEverythingThatIsUnderWay) {
  Subscriptions subscriptions({.batch = 7}, numbered(50));
  ModelExchange exchange(subscriptions, 5);
  exchange.unknown = {"trade.S13", "ticker.T500", "ticker.T777", "ticker.T3999"};
  exchange.jitter = 300ms;
  subscriptions.connection_opened();
  std::set<std::string> wanted;
  for (int i = 0; i < 20'000; ++i) {
    const auto name = "ticker.T" + std::to_string(i);
    subscriptions.want(name);
    if (i % 400 == 0) wanted.insert(name);
    if (i % 5 == 0) exchange.play_for(3ms);
    if (i % 400 != 0) subscriptions.unwant(name);
    ASSERT_LT(subscriptions.streams().size(), kForgetful) << i;
  }
  exchange.play();
  for (const auto& name : numbered(50))
    if (name != "trade.S13") wanted.insert(name);
  EXPECT_EQ(exchange.subscribed, wanted);
  EXPECT_EQ(count(subscriptions, State::live), wanted.size());
  EXPECT_EQ(count(subscriptions, State::rejected), 1U);
}

TEST(SubscriptionsOnDemand, AreForgottenThoughOneNameComesAndGoesForEver) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  for (int i = 0; i < 10'000; ++i) {
    subscriptions.want("trade.B");
    exchange.play();
    subscriptions.unwant("trade.B");
    exchange.requests.clear();
    ASSERT_LT(subscriptions.streams().size(), kForgetful) << i;
  }
}

TEST(SubscriptionsOnDemand, AreAskedForOnceThoughTheyWereGivenUpBeforeTheirTurn) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  exchange.quiet = {"trade.A", "trade.B", "trade.C"};
  subscriptions.connection_opened();
  exchange.play_for(1ms);  // trade.A is in doubt: whoever comes now waits
  for (int i = 0; i < 3; ++i) {
    subscriptions.want("trade.B");
    subscriptions.want("trade.C");
    if (i < 2) subscriptions.unwant("trade.B");
  }
  exchange.play();
  ASSERT_EQ(exchange.requests.size(), 2U);
  EXPECT_THAT(exchange.requests[1].streams, ElementsAre("trade.B", "trade.C"));
}

TEST(SubscriptionsOnDemand, SurviveAnErrorAfterThousandsHaveComeAndGone) {
  Subscriptions subscriptions({}, {"trade.A"});
  ModelExchange exchange(subscriptions);
  subscriptions.connection_opened();
  std::vector<std::string> names = numbered(1'500);
  for (const auto& name : names) subscriptions.want(name);
  exchange.play();
  for (const auto& name : names) subscriptions.unwant(name);
  exchange.play();
  subscriptions.want("trade.LATE");
  exchange.send_error(kInvalidStream);
  exchange.play();
  EXPECT_EQ(count(subscriptions, State::live), 2U);
}

/// Consumers' numbers.
constexpr std::uint64_t kFriend = 7;
constexpr std::uint64_t kEnemy = 5;
constexpr std::uint64_t kOtherEnemy = 9;

/// Names that no exchange knows.
std::vector<std::string> invented(std::size_t count, std::string_view by = "E") {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i)
    names.push_back("trade." + std::string(by) + std::to_string(i));
  return names;
}

/// What waits for its turn among others, at the usual pace.
constexpr auto kStep = 3'500ms;

class SubscriptionsAmongEnemies : public testing::Test {
 protected:
  static constexpr std::size_t kPerSecond = 5;

  SubscriptionsAmongEnemies() {
    exchange_.pace = Pace(kPerSecond);
    subscriptions_.connection_opened(kPerSecond);
    exchange_.play();
  }

  void invent(std::size_t count, std::uint64_t enemy, std::string_view by = "E") {
    for (const auto& name : invented(count, by)) {
      exchange_.unknown.insert(name);
      subscriptions_.want(name, enemy);
    }
  }

  /// How long it takes until the stream delivers.
  Subscriptions::Milliseconds time_until_live(const std::string& stream) {
    const auto begin = exchange_.now();
    while (subscriptions_.state_of(stream) != State::live && exchange_.now() < begin + 1h)
      exchange_.play_for(10ms);
    return std::chrono::duration_cast<Subscriptions::Milliseconds>(exchange_.now() - begin);
  }

  Subscriptions subscriptions_{{}, {"trade.A"}};
  ModelExchange exchange_{subscriptions_};
};

TEST_F(SubscriptionsAmongEnemies, AskForANewcomerAfterOneStepHoweverManyBadNamesWait) {
  invent(500, kEnemy);
  exchange_.play_for(300ms);
  for (int i = 0; i < 40; ++i) {
    const auto good = "trade.GOOD" + std::to_string(i);
    subscriptions_.want(good, kFriend);
    EXPECT_LE(time_until_live(good), kStep) << good;
    exchange_.play_for(437ms * (i % 9));
  }
  EXPECT_GT(count(subscriptions_, State::waiting), 300U) << "the bad names still wait";
}

TEST_F(SubscriptionsAmongEnemies, AskForANewcomerSoonThoughBadNamesComeWithoutEnd) {
  invent(300, kEnemy);
  for (int i = 0; i < 100; ++i) {
    invent(2, kOtherEnemy + static_cast<std::uint64_t>(i % 2), std::to_string(i) + '_');
    exchange_.play_for(700ms);
  }
  subscriptions_.want("trade.GOOD", kFriend);
  EXPECT_LE(time_until_live("trade.GOOD"), 6 * kStep)
      << "three are before it, and as many suspects";
}

TEST_F(SubscriptionsAmongEnemies, FindAConsumersOwnSlipThoughBadNamesComeWithoutEnd) {
  invent(300, kEnemy);
  exchange_.play_for(300ms);
  exchange_.unknown.insert("trade.SLIP");
  for (const auto* stream : {"trade.B", "trade.C", "trade.SLIP", "trade.D"})
    subscriptions_.want(stream, kFriend);
  for (int i = 0; i < 60; ++i) {  // ever new consumers, too
    invent(2, kOtherEnemy + static_cast<std::uint64_t>(i), std::to_string(i) + '_');
    exchange_.play_for(1s);
  }
  EXPECT_EQ(subscriptions_.state_of("trade.SLIP"), State::rejected);
  for (const auto* stream : {"trade.B", "trade.C", "trade.D"})
    EXPECT_EQ(subscriptions_.state_of(stream), State::live) << stream;
}

TEST_F(SubscriptionsAmongEnemies, AskForWhatOneConsumerWantsApartFromWhatAnotherDoes) {
  exchange_.quiet = {"trade.Q"};
  subscriptions_.want("trade.Q", kEnemy);
  exchange_.play_for(1ms);  // it is in doubt: whoever comes now waits
  exchange_.requests.clear();
  subscriptions_.want("trade.B", kFriend);
  subscriptions_.want("trade.C", kEnemy);
  subscriptions_.want("trade.D", kFriend);
  exchange_.play();
  ASSERT_EQ(exchange_.requests.size(), 2U);
  EXPECT_THAT(exchange_.requests[0].streams, ElementsAre("trade.B", "trade.D"));
  EXPECT_THAT(exchange_.requests[1].streams, ElementsAre("trade.C"));
}

TEST_F(SubscriptionsAmongEnemies, AskForANewcomerSoonThoughAnEnemyWantedItFirstAmongBadNames) {
  invent(250, kEnemy);
  subscriptions_.want("trade.GOOD", kEnemy);
  exchange_.play_for(1ms);  // they are in doubt
  for (const auto* stream : {"trade.GOOD", "trade.B"}) subscriptions_.want(stream, kFriend);
  EXPECT_LE(time_until_live("trade.GOOD"), kStep);
  EXPECT_LE(time_until_live("trade.B"), kStep);
  subscriptions_.want("trade.Z", kOtherEnemy);
  invent(250, kOtherEnemy, "O");
  subscriptions_.unwant("trade.Z");
  subscriptions_.want("trade.Z", kOtherEnemy);
  exchange_.play_for(20s);  // they are being narrowed down
  EXPECT_EQ(subscriptions_.state_of("trade.Z"), State::waiting);
  subscriptions_.want("trade.Z", kFriend);
  EXPECT_LE(time_until_live("trade.Z"), 2 * kStep);
}

TEST_F(SubscriptionsAmongEnemies, JudgeOnceWhatSeveralConsumersWant) {
  exchange_.quiet = {"trade.QUIET"};
  exchange_.unknown = {"trade.BAD"};
  for (const auto consumer : {kEnemy, kFriend, kOtherEnemy, kFriend})
    for (const auto* stream : {"trade.B", "trade.QUIET", "trade.BAD"})
      subscriptions_.want(stream, consumer);
  exchange_.play();
  EXPECT_EQ(subscriptions_.take_rejections().size(), 1U);
  EXPECT_EQ(subscriptions_.state_of("trade.QUIET"), State::requested);
  EXPECT_EQ(count(subscriptions_, State::live), 2U);
  for (const auto* stream : {"trade.B", "trade.QUIET", "trade.BAD"}) subscriptions_.unwant(stream);
  exchange_.play();
  EXPECT_THAT(exchange_.subscribed, ElementsAre("trade.A"));
}

TEST_F(SubscriptionsAmongEnemies, RememberLittleHoweverManyWantTheSame) {
  invent(100, kEnemy);
  for (std::uint64_t consumer = 10; consumer < 500; ++consumer) {
    for (const auto& name : invented(100)) subscriptions_.want(name, consumer);
    if (consumer % 10 == 0) exchange_.play_for(1s);
    ASSERT_LT(subscriptions_.streams().size(), 5'000U) << consumer;
  }
}

TEST_F(SubscriptionsAmongEnemies, JudgeEveryBadNameInTheEnd) {
  invent(40, kEnemy);
  invent(40, kOtherEnemy, "O");
  exchange_.play();
  EXPECT_EQ(count(subscriptions_, State::rejected), 80U);
  EXPECT_EQ(subscriptions_.take_rejections().size(), 80U);
}

TEST(SubscriptionsOnDemand, SilenceNoGoodStreamThoughAnswersComeLateAndNewcomersAlways) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    Subscriptions subscriptions(kAsShipped, numbered(10));
    ModelExchange exchange(subscriptions, seed);
    exchange.latency = 100ms;
    exchange.jitter = 800ms;
    exchange.lateness = seed % 2 == 0 ? 0ms : 300ms;
    std::minstd_rand random(seed);
    subscriptions.connection_opened();
    std::set<std::string> good;
    for (const auto& name : numbered(10)) good.insert(name);
    for (int i = 0; i < 60; ++i) {
      const bool is_bad = random() % 4 == 0;
      const auto name = (is_bad ? "trade.BAD" : "trade.GOOD") + std::to_string(i);
      if (is_bad) exchange.unknown.insert(name);
      if (!is_bad) good.insert(name);
      if (random() % 2 == 0) exchange.quiet.insert(name);
      subscriptions.want(name, random() % 3);
      exchange.play_for(Subscriptions::Milliseconds(random() % 1'000));
    }
    exchange.play_for(1h);
    EXPECT_EQ(exchange.subscribed, good) << "seed " << seed;
    EXPECT_EQ(count(subscriptions, State::rejected), exchange.unknown.size()) << "seed " << seed;
    for (const auto& name : exchange.unknown)
      EXPECT_EQ(subscriptions.state_of(name), State::rejected) << "seed " << seed;
  }
}

TEST_F(SubscriptionsAmongEnemies, BringBackWhatWasAcceptedBeforeAnyNameThatNeverWas) {
  exchange_.quiet = {"trade.QUIET"};
  for (const auto* stream : {"trade.B", "trade.QUIET"}) subscriptions_.want(stream, kFriend);
  exchange_.play();
  invent(500, kEnemy);
  exchange_.play_for(30s);
  exchange_.requests.clear();
  exchange_.drop_connection();
  exchange_.play_for(1ms);
  EXPECT_THAT(exchange_.requests[0].streams, ElementsAre("trade.A", "trade.B", "trade.QUIET"));
  exchange_.play_for(100ms);
  EXPECT_EQ(subscriptions_.state_of("trade.A"), State::live);
  EXPECT_EQ(subscriptions_.state_of("trade.B"), State::live);
  EXPECT_EQ(subscriptions_.state_of("trade.QUIET"), State::requested);
}

TEST_F(SubscriptionsAmongEnemies, BringBackWhatWaitedInAnotherRequestThanBadNames) {
  invent(250, kEnemy);
  exchange_.play_for(5s);
  subscriptions_.want("trade.GOOD", kFriend);
  exchange_.drop_connection();
  EXPECT_LE(time_until_live("trade.GOOD"), 2 * kStep);
}

TEST_F(SubscriptionsAmongEnemies, LearnAConfiguredNameSoonThoughThousandsWereRejectedBefore) {
  Subscriptions subscriptions({}, {"trade.A", "trade.new"});
  ModelExchange exchange(subscriptions);
  exchange.pace = Pace(kPerSecond);
  exchange.unknown = {"trade.new"};
  subscriptions.connection_opened();
  exchange.play();
  for (const auto& name : invented(100)) {
    exchange.unknown.insert(name);
    subscriptions.want(name, kEnemy);
  }
  exchange.play();
  ASSERT_EQ(count(subscriptions, State::rejected), 101U);
  exchange.unknown.erase("trade.new");
  exchange.drop_connection();
  exchange.play_for(kStep);
  EXPECT_EQ(subscriptions.state_of("trade.new"), State::live);
}

}  // namespace
}  // namespace bpx::bridge
