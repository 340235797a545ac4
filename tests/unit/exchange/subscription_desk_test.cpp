#include "tests/exchange/subscription_desk.hpp"

#include <gtest/gtest.h>

namespace bpx::exchange {
namespace {

using Texts = std::vector<std::string>;

constexpr std::int64_t kSignedUs = 1'614'550'000'000'000;
constexpr const char* kSignature =
    R"("signature":["5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=",)"
    R"("/ZisNiUfIIbBKRrLsdRTnZUuMA870U2RQJ+AyGLn0PC6Qb00ZYRSNZMwEItKkCdln555j4MMx1lA2iFuOKImBw==",)"
    R"("1614550000000","5000"])";

SubscriptionDesk desk_with(Quirks quirks) {
  return {quirks, SignatureCheck({}), [](std::string_view name) { return name != "bad"; }};
}

Texts replies(const Verdict& verdict) {
  Texts texts;
  for (const auto& reply : verdict.replies) texts.push_back(reply->text);
  return texts;
}

constexpr const char* kInvalidStream =
    R"({"id":null,"error":{"code":4006,"message":"Invalid stream"}})";
constexpr const char* kInvalidSignature =
    R"({"id":null,"error":{"code":4003,"message":"Invalid signature"}})";

TEST(SubscriptionDesk, GrantsPublicStreamsInSilence) {
  const auto verdict =
      desk_with({}).decide(R"({"method":"SUBSCRIBE","params":["trade.A","depth.A"],"id":1})", 0);
  EXPECT_EQ(verdict.subscribed, (Texts{"trade.A", "depth.A"}));
  EXPECT_TRUE(verdict.replies.empty());
}

TEST(SubscriptionDesk, EndsStreamsWithoutSignature) {
  const auto verdict =
      desk_with({}).decide(R"({"method":"UNSUBSCRIBE","params":["account.orderUpdate"]})", 0);
  EXPECT_EQ(verdict.unsubscribed, Texts{"account.orderUpdate"});
  EXPECT_TRUE(verdict.subscribed.empty());
  EXPECT_TRUE(verdict.replies.empty());
}

TEST(SubscriptionDesk, LetsOneBadNameSpoilItsRequest) {
  const auto verdict =
      desk_with({}).decide(R"({"method":"SUBSCRIBE","params":["trade.A","bad","bad"],"id":1})", 0);
  EXPECT_TRUE(verdict.subscribed.empty());
  EXPECT_EQ(replies(verdict), Texts{kInvalidStream});
}

TEST(SubscriptionDesk, OrLetsABadNameSpoilOnlyItself) {
  const auto verdict = desk_with({.bad_name_spoils_request = false})
                           .decide(R"({"method":"SUBSCRIBE","params":["bad","trade.A","bad"]})", 0);
  EXPECT_EQ(verdict.subscribed, Texts{"trade.A"});
  EXPECT_EQ(replies(verdict), (Texts{kInvalidStream, kInvalidStream}));
}

TEST(SubscriptionDesk, AcknowledgesWhereItDoes) {
  const auto desk = desk_with({.acknowledges = true});
  EXPECT_EQ(replies(desk.decide(R"({"method":"SUBSCRIBE","params":["trade.A"],"id":"x"})", 0)),
            Texts{R"({"id":"x","result":null})"});
  EXPECT_EQ(replies(desk.decide(R"({"method":"UNSUBSCRIBE","params":["trade.A"]})", 0)),
            Texts{R"({"id":null,"result":null})"});
  EXPECT_EQ(replies(desk.decide(R"({"method":"SUBSCRIBE","params":["bad"],"id":2})", 0)),
            Texts{kInvalidStream});
}

TEST(SubscriptionDesk, EchoesTheIdInErrorsWhereItDoes) {
  const auto verdict = desk_with({.errors_echo_id = true})
                           .decide(R"({"method":"SUBSCRIBE","params":["bad"],"id":42})", 0);
  EXPECT_EQ(replies(verdict),
            Texts{R"({"id":42,"error":{"code":4006,"message":"Invalid stream"}})"});
}

TEST(SubscriptionDesk, RefusesTheWholeRequestWhereThereIsNoRoomForIt) {
  const std::string request = R"({"method":"SUBSCRIBE","params":["trade.A","trade.B"],"id":7})";
  const auto for_one = [](const Texts& streams) { return streams.size() <= 1; };
  const auto verdict = desk_with({}).decide(request, 0, for_one);
  EXPECT_TRUE(verdict.subscribed.empty());
  EXPECT_EQ(replies(verdict),
            Texts{R"({"id":7,"error":{"code":4010,"message":"Too many streams"}})"});
  EXPECT_EQ(replies(desk_with({.overflow = Quirks::Overflow::data}).decide(request, 0, for_one)),
            Texts{R"({"data":{"code":429,"message":"Too many streams"}})"});
}

TEST(SubscriptionDesk, GrantsAMixedRequestThatIsSigned) {
  const std::string request =
      std::string(R"({"method":"SUBSCRIBE","params":["trade.A","account.orderUpdate"],)") +
      kSignature + "}";
  EXPECT_EQ(desk_with({}).decide(request, kSignedUs).subscribed.size(), 2U);
}

TEST(SubscriptionDesk, RefusesTheWholeRequestForItsSignature) {
  for (const bool spoils : {true, false}) {
    const auto desk = desk_with({.bad_name_spoils_request = spoils});
    const auto verdict =
        desk.decide(R"({"method":"SUBSCRIBE","params":["trade.A","account.orderUpdate"]})", 0);
    EXPECT_TRUE(verdict.subscribed.empty());
    EXPECT_EQ(replies(verdict), Texts{kInvalidSignature});
  }
}

TEST(SubscriptionDesk, RefusesEverySignatureWhileToldTo) {
  auto desk = desk_with({});
  const std::string request =
      std::string(R"({"method":"SUBSCRIBE","params":["account.orderUpdate"],)") + kSignature + "}";
  desk.reject_signatures(true);
  EXPECT_EQ(replies(desk.decide(request, kSignedUs)), Texts{kInvalidSignature});
  desk.reject_signatures(false);
  EXPECT_TRUE(desk.decide(request, kSignedUs).replies.empty());
}

TEST(SubscriptionDesk, RefusesWhatIsNoRequest) {
  const auto desk = desk_with({});
  EXPECT_EQ(replies(desk.decide("nonsense", 0)),
            Texts{R"({"id":null,"error":{"code":4000,"message":"Invalid request: not JSON"}})"});
  EXPECT_EQ(replies(desk.decide(R"({"method":"LIST"})", 0)),
            Texts{R"({"id":null,"error":{"code":4001,"message":"Invalid method"}})"});
  EXPECT_EQ(replies(desk.decide(std::string(SubscriptionDesk::kLongestRequest + 1, ' '), 0)),
            Texts{R"({"id":null,"error":{"code":4000,"message":"Request too large"}})"});
}

}  // namespace
}  // namespace bpx::exchange
