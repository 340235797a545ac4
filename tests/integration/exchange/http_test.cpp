#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace bpx::exchange {
namespace {

using nlohmann::json;

TEST(Rest, SaysTheTimeThatSignaturesAreCheckedAgainst) {
  SimulatedExchange exchange({});
  exchange.apply(fault::ShiftClock{.offset = std::chrono::hours(-1)});
  const auto reply = http_exchange(client_of(exchange), "GET", "/api/v1/time");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, "text/plain");
  EXPECT_NEAR(std::stod(reply.body), static_cast<double>(now_ms()) - 3'600'000, 60'000);
}

TEST(Rest, AnswersScriptedDepth) {
  SimulatedExchange exchange({});
  const std::string body = R"({"asks":[],"bids":[],"lastUpdateId":"7","timestamp":1})";
  exchange.script_depth("SOL_USDC", body);
  const auto options = client_of(exchange);
  EXPECT_EQ(http_exchange(options, "GET", "/api/v1/depth?symbol=SOL_USDC").body, body);
  EXPECT_EQ(http_exchange(options, "GET", "/api/v1/depth?symbol=NO_SUCH").status, 400U);
}

TEST(Rest, RefusesWhatItDoesNotKnow) {
  SimulatedExchange exchange({.tls = false});
  EXPECT_EQ(http_exchange(client_of(exchange), "GET", "/api/v1/nothing").status, 404U);
  const auto reply = http_exchange(client_of(exchange), "DELETE", "/api/v1/time");
  EXPECT_EQ(reply.status, 405U);
  EXPECT_EQ(reply.allow, "GET");
}

/// An exchange with a control port, and one client that is subscribed to trade.A.
class ControlPortTest : public testing::Test {
 protected:
  ControlPortTest() {
    client.send(subscribe_request({"trade.A"}));
    EXPECT_TRUE(exchange.wait_for_subscription("trade.A"));
  }
  HttpReply control(std::string_view method, std::string_view target, std::string_view body = {}) {
    return http_exchange({.port = exchange.control_port()}, method, target, body);
  }

  SimulatedExchange exchange{{.control = true}};
  ExchangeClient client{client_of(exchange)};
};

TEST_F(ControlPortTest, InflictsFaults) {
  const auto reply = control("POST", "/fault", R"({"kind":"close","code":1013})");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body, R"({"ok":true})");
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.close_code(), 1013);
}

TEST_F(ControlPortTest, SaysWhatIsWrongWithAFault) {
  const auto reply = control("POST", "/fault", R"({"kind":"close","cod":1013})");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_EQ(reply.body, R"({"error":"unknown parameter: cod"})");
}

TEST_F(ControlPortTest, PublishesByteForByte) {
  EXPECT_EQ(control("POST", "/publish", R"({"stream":"trade.A","data":"{ \"q\": 1.50 }"})").status,
            200U);
  EXPECT_EQ(client.receive(), R"({"data":{ "q": 1.50 },"stream":"trade.A"})");
  EXPECT_EQ(control("POST", "/publish?stream=trade.A", R"({ "q":  2 })").status, 200U);
  EXPECT_EQ(client.receive(), R"({"data":{ "q":  2 },"stream":"trade.A"})");
}

TEST_F(ControlPortTest, PublishesNothingThatIsNoData) {
  EXPECT_EQ(control("POST", "/publish", "nonsense").status, 400U);
  EXPECT_EQ(control("POST", "/publish", R"({"stream":"trade.A"})").status, 400U);
  EXPECT_EQ(control("POST", "/publish", R"({"stream":"trade.A","data":{}})").body,
            R"({"error":"data is to be a string"})");
  EXPECT_EQ(control("POST", "/publish?stream=trade.A", "{").status, 400U);
  EXPECT_EQ(control("POST", "/publish?steam=trade.A", "{}").status, 400U);
}

TEST_F(ControlPortTest, TellsItsState) {
  control("POST", "/fault", R"({"kind":"shift_clock","ms":-5})");
  control("POST", "/fault", R"({"kind":"certificate","which":"expired"})");
  const auto reply = control("GET", "/state");
  EXPECT_EQ(reply.content_type, "application/json");
  const auto state = json::parse(reply.body);
  EXPECT_EQ(state["open_connections"], 1);
  EXPECT_EQ(state["subscriptions"], json{"trade.A"});
  EXPECT_EQ(state["counters"]["requests"], 1);
  EXPECT_EQ(state["faults"]["clock_shift_ms"], -5);
  EXPECT_EQ(state["faults"]["certificate"], "expired");
}

TEST_F(ControlPortTest, ShowsWhatWasSent) {
  exchange.publish("trade.A", "1");
  exchange.publish("trade.A", "2");
  ASSERT_TRUE(exchange.wait_for_sent(2));
  const auto reply = control("GET", "/log?since=1");
  EXPECT_EQ(reply.body, R"({"n":1,"connection":1,"stream":"trade.A",)"
                        R"("text":"{\"data\":2,\"stream\":\"trade.A\"}","completed":true})"
                        "\n");
  EXPECT_EQ(control("GET", "/log?since=x").status, 400U);
}

TEST_F(ControlPortTest, RefusesOtherPathsAndMethods) {
  EXPECT_EQ(control("GET", "/").status, 404U);
  const auto reply = control("GET", "/fault");
  EXPECT_EQ(reply.status, 405U);
  EXPECT_EQ(reply.allow, "POST");
}

}  // namespace
}  // namespace bpx::exchange
