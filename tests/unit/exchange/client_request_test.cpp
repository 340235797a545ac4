#include "tests/exchange/client_request.hpp"

#include <gtest/gtest.h>

namespace bpx::exchange {
namespace {

using Names = std::vector<std::string>;

ClientRequest good(std::string_view text) {
  return std::get<ClientRequest>(parse_client_request(text));
}

std::string reason(std::string_view text) {
  return std::get<MalformedRequest>(parse_client_request(text)).reason;
}

TEST(ClientRequest, ReadsMethodNamesAndSignature) {
  const auto request =
      good(R"({"method":"SUBSCRIBE","params":["a.B","c.D"],"signature":["k","s","1","2"]})");
  EXPECT_EQ(request.method, "SUBSCRIBE");
  EXPECT_EQ(request.params, (Names{"a.B", "c.D"}));
  EXPECT_EQ(request.signature, (Names{"k", "s", "1", "2"}));
  EXPECT_EQ(request.id_json, "null");
}

TEST(ClientRequest, KeepsTheIdAsJson) {
  EXPECT_EQ(good(R"({"method":"X","id":7})").id_json, "7");
  EXPECT_EQ(good(R"({"method":"X","id":"seven"})").id_json, R"("seven")");
}

TEST(ClientRequest, TakesAbsentNamesForNone) {
  EXPECT_TRUE(good(R"({"method":"SUBSCRIBE"})").params.empty());
}

TEST(ClientRequest, SaysWhyATextIsNone) {
  EXPECT_EQ(reason("{"), "not JSON");
  EXPECT_EQ(reason("[]"), "not an object");
  EXPECT_EQ(reason("{}"), "no method");
  EXPECT_EQ(reason(R"({"method":1})"), "no method");
  EXPECT_EQ(reason(R"({"method":"X","params":"a"})"), "params are not a list of strings");
  EXPECT_EQ(reason(R"({"method":"X","params":[1]})"), "params are not a list of strings");
  EXPECT_EQ(reason(R"({"method":"X","signature":["k",1]})"), "signature is not a list of strings");
}

TEST(ClientRequest, SurvivesDeepNesting) {
  EXPECT_EQ(reason(std::string(100'000, '[')), "not JSON");
}

}  // namespace
}  // namespace bpx::exchange
