#include "tests/exchange/rest_api.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdlib>
#include <string>

namespace bpx::exchange {
namespace {

HttpRequest get(std::string path, std::string query = {}) {
  return {.method = "GET", .path = std::move(path), .query = std::move(query)};
}

class RestApiTest : public testing::Test {
 protected:
  ExchangeClock clock;
  RestApi rest{nullptr, clock};
};

TEST_F(RestApiTest, SaysTheTimeInMillisecondsAsPlainText) {
  clock.shift(std::chrono::hours(1));
  const auto answer = rest.answer(get("/api/v1/time"));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.content_type, "text/plain");
  const std::int64_t ahead_ms = std::stoll(answer.body) - ExchangeClock::true_us() / 1000;
  EXPECT_NEAR(static_cast<double>(ahead_ms), 3'600'000, 5000);
}

TEST_F(RestApiTest, ListsNoMarketsWhereThereAreNone) {
  EXPECT_EQ(rest.answer(get("/api/v1/markets")).body, "[]");
}

TEST_F(RestApiTest, AnswersScriptedDepthAndNoOther) {
  rest.script_depth("SOL_USDC", R"({"asks":[]})");
  EXPECT_EQ(rest.answer(get("/api/v1/depth", "limit=5&symbol=SOL_USDC")).body, R"({"asks":[]})");
  EXPECT_EQ(rest.answer(get("/api/v1/depth", "symbol=BTC_USDC")).status, 400U);
  EXPECT_EQ(rest.answer(get("/api/v1/depth")).status, 400U);
}

TEST_F(RestApiTest, TellsTheBestPricesOfEachSideUpToTheLimit) {
  const Market market({.symbols = {"SOL_USDC"}, .levels = 1'100});
  const RestApi rest_of_market{&market, clock};
  const auto depth = [&](const std::string& limit) {
    return nlohmann::json::parse(
        rest_of_market.answer(get("/api/v1/depth", "symbol=SOL_USDC" + limit)).body);
  };
  const auto deepest = depth("");
  EXPECT_EQ(deepest["asks"].size(), 1'000U);
  EXPECT_EQ(deepest["bids"].size(), 1'000U);
  for (const std::size_t limit : {5U, 10U, 20U, 50U, 100U, 500U, 1'000U}) {
    const auto some = depth("&limit=" + std::to_string(limit));
    ASSERT_EQ(some["asks"].size(), limit);
    ASSERT_EQ(some["bids"].size(), limit);
    EXPECT_EQ(some["asks"].front(), deepest["asks"].front()) << "the best ask comes first";
    EXPECT_EQ(some["bids"].back(), deepest["bids"].back()) << "the best bid comes last";
  }
}

TEST_F(RestApiTest, RefusesAnyOtherLimit) {
  const Market market({.symbols = {"SOL_USDC"}});
  const RestApi rest_of_market{&market, clock};
  for (const std::string limit : {"0", "7", "1001", "-5", "05", "all"}) {
    const auto answer =
        rest_of_market.answer(get("/api/v1/depth", "symbol=SOL_USDC&limit=" + limit));
    EXPECT_EQ(answer.status, 400U) << limit;
    EXPECT_EQ(answer.body, R"({"code":"INVALID_CLIENT_REQUEST","message":"Invalid limit"})");
  }
}

TEST_F(RestApiTest, RefusesOtherPathsAndMethods) {
  EXPECT_EQ(rest.answer(get("/api/v1/orders")).status, 404U);
  const auto answer = rest.answer({.method = "POST", .path = "/api/v1/time"});
  EXPECT_EQ(answer.status, 405U);
  EXPECT_EQ(answer.allow, "GET");
}

TEST(QueryValue, FindsTheWholeNameOnly) {
  EXPECT_EQ(query_value("a=1&symbol=X&b", "symbol"), "X");
  EXPECT_EQ(query_value("xsymbol=X", "symbol"), "");
  EXPECT_EQ(query_value("symbol", "symbol"), "");
  EXPECT_EQ(query_value("", "symbol"), "");
}

}  // namespace
}  // namespace bpx::exchange
