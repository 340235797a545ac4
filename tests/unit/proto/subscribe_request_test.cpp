#include "proto/subscribe_request.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <vector>

namespace bpx::proto {
namespace {

using nlohmann::json;

const std::vector<std::string_view> kStreams = {"depth.SOL_USDC", "trade.AAPL.US_USDC"};

TEST(SubscribeRequest, NamesTheStreamsInOrder) {
  EXPECT_EQ(
      json::parse(subscribe_request(kStreams, 7)),
      json::parse(
          R"({"id":7,"method":"SUBSCRIBE","params":["depth.SOL_USDC","trade.AAPL.US_USDC"]})"));
}

TEST(SubscribeRequest, EscapesNames) {
  const std::vector<std::string_view> odd = {"new.\"quoted\"\\"};
  EXPECT_EQ(json::parse(subscribe_request(odd, 1))["params"][0], "new.\"quoted\"\\");
}

TEST(SubscribeRequest, SignsPrivateStreamsAsTheGuideDoes) {
  const auto key = SigningKey::from_base64("TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=");
  ASSERT_TRUE(key);
  const std::vector<std::string_view> orders = {"account.orderUpdate"};
  EXPECT_EQ(json::parse(signed_subscribe_request(orders, 2, *key, 1614550000000, 5000)),
            json::parse(R"({
        "id":2,"method":"SUBSCRIBE","params":["account.orderUpdate"],
        "signature":["5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=",
          "/ZisNiUfIIbBKRrLsdRTnZUuMA870U2RQJ+AyGLn0PC6Qb00ZYRSNZMwEItKkCdln555j4MMx1lA2iFuOKImBw==",
          "1614550000000","5000"]})"));
}

TEST(SubscribeRequest, UnsubscribesWithoutASignature) {
  EXPECT_EQ(
      json::parse(unsubscribe_request(kStreams, 9)),
      json::parse(
          R"({"id":9,"method":"UNSUBSCRIBE","params":["depth.SOL_USDC","trade.AAPL.US_USDC"]})"));
}

TEST(SubscribeRequest, SignsTheTextThatTheExchangeDocuments) {
  EXPECT_EQ(signing_text(1614550000000, 5000),
            "instruction=subscribe&timestamp=1614550000000&window=5000");
}

}  // namespace
}  // namespace bpx::proto
