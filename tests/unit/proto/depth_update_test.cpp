#include "proto/depth_update.hpp"

#include "tests/support/padded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::proto {
namespace {

using testing::ElementsAre;
using testing::FieldsAre;
using testing::IsEmpty;

class DepthReaderTest : public testing::Test {
 protected:
  const DepthUpdate* update(std::string_view text) {
    text_.emplace(text);
    return reader_.read_update(text_->view());
  }
  /// Of a message whose `data` is `data`.
  const DepthUpdate* update_of(std::string_view data) {
    return update(R"({"data":)" + std::string(data) + R"(,"stream":"depth.SOL_USDC"})");
  }
  const DepthSnapshot* snapshot(std::string_view text) {
    text_.emplace(text);
    return reader_.read_snapshot(text_->view());
  }

  std::optional<test::Padded> text_;
  DepthReader reader_;
};

TEST_F(DepthReaderTest, ReadsWhatACapturedMessageSays) {
  const auto* read = update(
      R"({"data":{"E":1736257764052341,"T":1736257764022406,"U":1803724440,"a":[["214.50","0.13"],["214.51","0.00"]],"b":[["214.07","21.41"]],"e":"depth","s":"SOL_USDC","u":1803724442},"stream":"depth.200ms.SOL_USDC"})");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->first_update_id, 1803724440U);
  EXPECT_EQ(read->last_update_id, 1803724442U);
  EXPECT_THAT(read->asks, ElementsAre(FieldsAre("214.50", "0.13"), FieldsAre("214.51", "0.00")));
  EXPECT_THAT(read->bids, ElementsAre(FieldsAre("214.07", "21.41")));
}

TEST_F(DepthReaderTest, DependsOnNeitherOrderNorWhiteSpaceNorFurtherFields) {
  const auto* read = update(
      R"( { "stream":"depth.A", "new":[{}], "data":{ "u":2, "b":[ [ "1" , "2" ] ], "x":{"a":[["9"]]}, "U":1 } } )");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->first_update_id, 1U);
  EXPECT_EQ(read->last_update_id, 2U);
  EXPECT_THAT(read->asks, IsEmpty());
  EXPECT_THAT(read->bids, ElementsAre(FieldsAre("1", "2")));
}

TEST_F(DepthReaderTest, KeepsNothingOfTheMessageBefore) {
  ASSERT_NE(update_of(R"({"U":1,"a":[["1","2"]],"b":[["1","2"]],"u":1})"), nullptr);
  const auto* read = update_of(R"({"U":2,"a":[],"b":null,"u":2})");
  ASSERT_NE(read, nullptr);
  EXPECT_THAT(read->asks, IsEmpty());
  EXPECT_THAT(read->bids, IsEmpty());
}

TEST_F(DepthReaderTest, RefusesWhatCouldMakeAWrongBook) {
  for (const auto* data : {R"({"U":1,"a":[["1"]],"b":[],"u":1})",
                           R"({"U":1,"a":[["1","2","3"]],"b":[],"u":1})",
                           R"({"U":1,"a":[[1,2]],"b":[],"u":1})",
                           R"({"U":1,"a":[["1",null]],"b":[],"u":1})",
                           R"({"U":1,"a":[["-1","2"]],"b":[],"u":1})",
                           R"({"U":1,"a":[["1","1e5"]],"b":[],"u":1})",
                           R"({"U":1,"a":[["","2"]],"b":[],"u":1})",
                           R"({"U":1,"a":["1","2"],"b":[],"u":1})",
                           R"({"U":1,"a":{},"b":[],"u":1})",
                           R"({"U":1,"a":"x","b":[],"u":1})",
                           R"({"U":1,"a":[],"a":[],"u":1})",
                           R"({"U":2,"a":[],"b":[],"u":1})",
                           R"({"a":[],"b":[],"u":1})",
                           R"({"U":1,"a":[],"b":[]})",
                           R"({"U":"1","a":[],"b":[],"u":1})",
                           R"({"U":-1,"a":[],"b":[],"u":1})",
                           R"({"U":1,"u":1})",
                           R"({"U":1,"a":null,"b":null,"u":1})",
                           R"({"U":1,"a":[["1","2"],"b":[],"u":1})",
                           R"([])",
                           R"(null)",
                           R"("x")"})
    EXPECT_EQ(update_of(data), nullptr) << data;
  for (const auto* text :
       {"", "garbage", "[]", "{}", R"({"stream":"depth.A"})",
        R"({"data":{"U":1,"a":[],"b":[],"u":1}} x)", R"({"data":{"U":1,"a":[],"b":[],"u":1})"})
    EXPECT_EQ(update(text), nullptr) << text;
}

TEST_F(DepthReaderTest, RefusesTextsThatAreLongerThanAnyPrice) {
  const auto with_price = [](std::size_t digits) {
    return R"({"U":1,"a":[[")" + std::string(digits, '7') + R"(","2"]],"b":[],"u":1})";
  };
  EXPECT_NE(update_of(with_price(64)), nullptr);
  EXPECT_EQ(update_of(with_price(65)), nullptr);
}

TEST_F(DepthReaderTest, ReadsARestDepth) {
  const auto* read = snapshot(
      R"({"asks":[["98.97","39.70"]],"bids":[["98.95","1"],["98.96","288.77"]],"lastUpdateId":"4330361000","timestamp":1788367430323775})");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->last_update_id, 4330361000U);
  EXPECT_THAT(read->asks, ElementsAre(FieldsAre("98.97", "39.70")));
  EXPECT_THAT(read->bids, ElementsAre(FieldsAre("98.95", "1"), FieldsAre("98.96", "288.77")));
  ASSERT_NE(snapshot(R"({"lastUpdateId":5,"bids":[],"asks":[]})"), nullptr);
}

TEST_F(DepthReaderTest, ReadsHowFarTheBridgesAnswerGoes) {
  const auto* read = snapshot(
      R"({"asks":[],"bids":[],"lastUpdateId":"5","timestamp":1,"horizon":{"asks":"9.50","bids":"1"}})");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->ask_horizon, "9.50");
  EXPECT_EQ(read->bid_horizon, "1");
  read = snapshot(R"({"horizon":{"bids":"2.0"},"asks":[],"bids":[],"lastUpdateId":"5"})");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->ask_horizon, std::nullopt);
  EXPECT_EQ(read->bid_horizon, "2.0");
  read = snapshot(R"({"asks":[],"bids":[],"lastUpdateId":"5"})");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->bid_horizon, std::nullopt) << "it is of the answer before";
  for (const auto* horizon : {R"("9")", R"(["9"])", R"({"asks":9})", R"({"asks":null})",
                              R"({"bids":"-1"})", R"({"asks":"1","asks":"2"})"})
    EXPECT_EQ(snapshot(R"({"asks":[],"bids":[],"lastUpdateId":"5","horizon":)" +
                       std::string(horizon) + "}"),
              nullptr)
        << horizon;
}

TEST_F(DepthReaderTest, RefusesARestAnswerThatIsNoDepth) {
  for (const auto* body :
       {"", "null", "<html></html>", "{}",
        R"({"code":"INVALID_SYMBOL","message":"Invalid symbol"})", R"({"asks":[],"bids":[]})",
        R"({"asks":[],"lastUpdateId":"5"})", R"({"asks":null,"bids":[],"lastUpdateId":"5"})",
        R"({"asks":[],"bids":[],"lastUpdateId":"five"})",
        R"({"asks":[],"bids":[],"lastUpdateId":""})", R"({"asks":[],"bids":[],"lastUpdateId":-5})",
        R"({"asks":[["1"]],"bids":[],"lastUpdateId":"5"})",
        R"({"asks":[["1","x"]],"bids":[],"lastUpdateId":"5"})",
        R"({"asks":[["1","2"]],"bids":[],"lastUpdateId":"5")",
        R"({"asks":[["1","2"]],"bids":[],"lastUpdateId":"5"}{})"})
    EXPECT_EQ(snapshot(body), nullptr) << body;
}

}  // namespace
}  // namespace bpx::proto
