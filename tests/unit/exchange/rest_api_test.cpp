#include "tests/exchange/rest_api.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

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
