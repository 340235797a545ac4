#include "proto/envelope.hpp"

#include "tests/support/padded.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::proto {
namespace {

using Kind = Envelope::Kind;

class EnvelopeTest : public testing::Test {
 protected:
  Envelope read(std::string_view text) {
    message_ = test::Padded(text);
    return reader_.read(message_.view());
  }

 private:
  test::Padded message_{""};
  EnvelopeReader reader_;
};

TEST_F(EnvelopeTest, ReadsACapturedDepthFrame) {
  const auto envelope = read(
      R"({"data":{"E":1736257764052341,"T":1736257764022406,"U":1803724440,"a":[["214.50","0.13"]],)"
      R"("b":[["214.07","21.41"]],"e":"depth","s":"SOL_USDC","u":1803724442},"stream":"depth.200ms.SOL_USDC"})");
  EXPECT_EQ(envelope.kind, Kind::data);
  EXPECT_EQ(envelope.stream, "depth.200ms.SOL_USDC");
  EXPECT_EQ(envelope.event_time_us, 1736257764052341);
  EXPECT_EQ(envelope.first_update_id, 1803724440U);
  EXPECT_EQ(envelope.last_update_id, 1803724442U);
  EXPECT_FALSE(envelope.trade_id);
}

TEST_F(EnvelopeTest, ReadsACapturedTradeFrame) {
  const auto envelope = read(
      R"({"data":{"E":1736186248745457,"T":1736186248744398,"a":"113782701997686784",)"
      R"("b":"113782700596854784","e":"trade","m":true,"p":"218.50","q":"0.07","s":"SOL_USDC",)"
      R"("t":341399899},"stream":"trade.SOL_USDC"})");
  EXPECT_EQ(envelope.kind, Kind::data);
  EXPECT_EQ(envelope.trade_id, 341399899U);
  EXPECT_FALSE(envelope.last_update_id);
}

TEST_F(EnvelopeTest, DependsNeitherOnTheOrderOfKeysNorOnWhiteSpace) {
  const auto envelope = read(
      " {\n \"stream\" :\t\"trade.SOL_USDC\" , \"later\" : [1, {\"E\": 7}],\r\n"
      " \"data\" : { \"t\" : 5 , \"x\":{\"E\":8}, \"E\" : 9 } } ");
  EXPECT_EQ(envelope.kind, Kind::data);
  EXPECT_EQ(envelope.stream, "trade.SOL_USDC");
  EXPECT_EQ(envelope.event_time_us, 9);
  EXPECT_EQ(envelope.trade_id, 5U);
}

TEST_F(EnvelopeTest, UnescapesKeysAndTheStreamName) {
  const auto envelope =
      read(R"({"d\u0061ta":{"\u0045":3},"str\u0065am":"trade.SOL\u005fUSDC\/\"x"})");
  EXPECT_EQ(envelope.kind, Kind::data);
  EXPECT_EQ(envelope.stream, "trade.SOL_USDC/\"x");
  EXPECT_EQ(envelope.event_time_us, 3);
}

TEST_F(EnvelopeTest, PassesOverMembersOfAnotherTypeThanExpected) {
  const auto kline = read(
      R"({"data":{"E":null,"t":"2026-09-02T16:43:00","T":"2026","U":-1,"u":"12"},"stream":"k"})");
  EXPECT_EQ(kline.kind, Kind::data);
  EXPECT_EQ(kline.event_time_us, 0);
  EXPECT_FALSE(kline.trade_id);
  EXPECT_FALSE(kline.first_update_id);
  EXPECT_FALSE(kline.last_update_id);

  const auto fraction = read(R"({"data":{"E":1.5e3,"u":true,"t":7},"stream":"k"})");
  EXPECT_EQ(fraction.event_time_us, 0);
  EXPECT_EQ(fraction.trade_id, 7U);
}

TEST_F(EnvelopeTest, CarriesDataThatIsNoObject) {
  for (const std::string data : {"[1,2]", "null", "\"text\"", "7", "true", "{}"}) {
    const auto envelope = read(R"({"data":)" + data + R"(,"stream":"new.kind"})");
    EXPECT_EQ(envelope.kind, Kind::data) << data;
    EXPECT_EQ(envelope.stream, "new.kind") << data;
  }
}

TEST_F(EnvelopeTest, DoesNotCarryMembersOverToTheNextMessage) {
  read(R"({"data":{"E":1,"U":2,"u":3,"t":4},"stream":"depth.X"})");
  const auto envelope = read(R"({"data":{},"stream":"depth.X"})");
  EXPECT_EQ(envelope.event_time_us, 0);
  EXPECT_FALSE(envelope.first_update_id);
  EXPECT_FALSE(envelope.last_update_id);
  EXPECT_FALSE(envelope.trade_id);
}

TEST_F(EnvelopeTest, ReadsErrorsWithAndWithoutAnId) {
  const auto anonymous = read(R"({"id":null,"error":{"code":4003,"message":"Invalid signature"}})");
  EXPECT_EQ(anonymous.kind, Kind::error);
  EXPECT_FALSE(anonymous.request_id);
  EXPECT_EQ(anonymous.error_code, 4003);
  EXPECT_EQ(anonymous.error_message, "Invalid signature");

  const auto answered = read(R"({"error":{"message":"Invalid stream","code":4006},"id":17})");
  EXPECT_EQ(answered.kind, Kind::error);
  EXPECT_EQ(answered.request_id, 17U);
  EXPECT_EQ(answered.error_code, 4006);

  EXPECT_EQ(read(R"({"error":"overloaded"})").kind, Kind::error);
}

TEST_F(EnvelopeTest, ReadsErrorsThatComeAsDataOfNoStream) {
  const auto error = read(R"({"data":{"code":429,"msg":"Too many streams"}})");
  EXPECT_EQ(error.kind, Kind::error);
  EXPECT_EQ(error.error_code, 429);
  EXPECT_EQ(error.error_message, "Too many streams");
  EXPECT_FALSE(error.request_id);
  const auto answered = read(R"({"id":7,"data":{"message":"m","code":-1}})");
  EXPECT_EQ(answered.kind, Kind::error);
  EXPECT_EQ(answered.request_id, 7U);
  EXPECT_EQ(read(R"({"data":{"code":429},"stream":"trade.X"})").kind, Kind::data);
  EXPECT_EQ(read(R"({"data":{"code":"429"}})").kind, Kind::malformed);
  EXPECT_EQ(read(R"({"data":429})").kind, Kind::malformed);
}

TEST_F(EnvelopeTest, SaysWhereSeveralMessagesCameAsOne) {
  const std::string one = R"({"data":{},"stream":"trade.X"})";
  EXPECT_EQ(read('[' + one + ',' + one + ']').fault,
            "it is an array, which may hold several messages");
  EXPECT_EQ(read(one + '\n' + one).fault, "several messages came in one");
  EXPECT_EQ(read(one + one).fault, "several messages came in one");
}

TEST_F(EnvelopeTest, CutsLongWordsOfAnErrorBetweenTwoCharacters) {
  const auto error = [&](const std::string& words) {
    return std::string(
        read(R"({"id":null,"error":{"code":5000,"message":")" + words + R"("}})").error_message);
  };
  EXPECT_EQ(error(std::string(200, 'w')), std::string(200, 'w'));
  EXPECT_EQ(error(std::string(100'000, 'w')), std::string(200, 'w'));
  EXPECT_EQ(error(std::string(199, 'w') + "\u00fcx"), std::string(199, 'w'));
  EXPECT_EQ(error(std::string(197, 'w') + "\u20acx"), std::string(197, 'w') + "\u20ac");
}

TEST_F(EnvelopeTest, ReadsAcknowledgements) {
  const auto envelope = read(R"({"id":3,"result":null})");
  EXPECT_EQ(envelope.kind, Kind::acknowledgement);
  EXPECT_EQ(envelope.request_id, 3U);
  EXPECT_EQ(read(R"({"error":null,"id":4,"result":"ok"})").kind, Kind::acknowledgement);
}

TEST_F(EnvelopeTest, CallsMalformedWhatIsNeitherDataNorAnswer) {
  for (const std::string text : {"",
                                 " ",
                                 "garbage",
                                 "[]",
                                 "7",
                                 "null",
                                 "\"text\"",
                                 "{",
                                 "{}",
                                 "{\"data\":{}}",
                                 R"({"stream":"trade.X"})",
                                 R"({"data":{},"stream":""})",
                                 R"({"data":{},"stream":7})",
                                 R"({"data":{},"stream":null})",
                                 R"({"data":{"E":1,"stream":"trade.X"})",
                                 R"({"data":{},"stream":"trade.X")",
                                 R"({"data":{},"stream":"trade.X"}})",
                                 R"({"data":{},"stream":"trade.X"} {})",
                                 R"({"data":{},"stream":"trade.X"}x)",
                                 R"({"data":{} "stream":"trade.X"})",
                                 R"({"id":3})",
                                 R"({"id":1,"error":nul})",
                                 R"({"id":1,"error":nulx})",
                                 R"({"id":1,"error":})",
                                 R"({"result":null})"}) {
    const auto envelope = read(text);
    EXPECT_EQ(envelope.kind, Kind::malformed) << text;
    EXPECT_FALSE(envelope.fault.empty()) << text;
  }
}

TEST_F(EnvelopeTest, CallsMalformedWhatCanBeReadInTwoWays) {
  for (const std::string text :
       {R"({"stream":"trade.X","data":{},"stream":"account.orderUpdate"})",
        R"({"stream":"trade.X","data":{},"str\u0065am":"trade.X"})",
        R"({"data":{"E":1},"data":{"E":2},"stream":"trade.X"})",
        R"({"data":1,"stream":"trade.X","data":1})", R"({"id":1,"result":null,"id":2})",
        R"({"id":1,"result":null,"result":"ok"})", R"({"id":1,"error":{"code":4003},"error":null})",
        R"({"error":null,"id":1,"error":{"code":4006}})"})
    EXPECT_EQ(read(text).kind, Kind::malformed) << text;
}

TEST_F(EnvelopeTest, TakesTheLastOfTwoMembersWithinData) {
  const auto number = read(R"({"data":{"E":1,"u":2,"E":3,"u":4},"stream":"depth.X"})");
  EXPECT_EQ(number.event_time_us, 3);
  EXPECT_EQ(number.last_update_id, 4U);
  const auto text = read(R"({"data":{"E":1,"u":2,"E":"3","u":"4"},"stream":"depth.X"})");
  EXPECT_EQ(text.event_time_us, 0);
  EXPECT_FALSE(text.last_update_id);
}

TEST_F(EnvelopeTest, CallsInvalidUtf8Malformed) {
  EXPECT_EQ(read("{\"data\":{\"s\":\"\xff\xfe\"},\"stream\":\"trade.X\"}").kind, Kind::malformed);
}

TEST_F(EnvelopeTest, ReadsWithinDataOnlyAsFarAsItMustToFindItsEnd) {
  for (const std::string data :
       {R"({"p":tru,"q":01})", R"({"p":"\q"})", R"({"p":{"\q":1}})", R"([,,])"})
    EXPECT_EQ(read(R"({"data":)" + data + R"(,"stream":"trade.X"})").kind, Kind::data) << data;
  for (const std::string data : {R"({"p":"1})", R"({"\q":1})", R"({"p" 1})"})
    EXPECT_EQ(read(R"({"data":)" + data + R"(,"stream":"trade.X"})").kind, Kind::malformed) << data;
}

TEST_F(EnvelopeTest, SurvivesDeepNesting) {
  const std::string open(100'000, '[');
  EXPECT_EQ(read(R"({"stream":"trade.X","data":)" + open).kind, Kind::malformed);
}

TEST_F(EnvelopeTest, ReadsALargeMessageAfterASmallOne) {
  read(R"({"data":{"E":1},"stream":"s"})");
  std::string levels = R"(["1.00","2.00"])";
  for (int i = 0; i < 50'000; ++i) levels += R"(,["1.00","2.00"])";
  const auto envelope =
      read(R"({"data":{"E":2,"U":3,"a":[)" + levels + R"(],"u":4},"stream":"depth.X"})");
  EXPECT_EQ(envelope.kind, Kind::data);
  EXPECT_EQ(envelope.last_update_id, 4U);
}

}  // namespace
}  // namespace bpx::proto
