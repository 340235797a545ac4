#include "tests/exchange/fault.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <string>

namespace bpx::exchange {
namespace {

using std::chrono::milliseconds;

template <class Kind>
Kind parsed(std::string_view json) {
  return std::get<Kind>(parse_fault(json));
}

std::string complaint(std::string_view json) {
  try {
    parse_fault(json);
    return "none";
  } catch (const std::invalid_argument& wrong) {
    return wrong.what();
  }
}

TEST(ParseFault, NeedsNoParameters) {
  EXPECT_TRUE(parsed<fault::Drop>(R"({"kind":"drop"})").reset);
  EXPECT_EQ(parsed<fault::Close>(R"({"kind":"close"})").code, 1001);
  EXPECT_EQ(parsed<fault::Silent>(R"({"kind":"silent"})").duration, fault::kForGood);
  EXPECT_EQ(parsed<fault::SkipIds>(R"({"kind":"skip_ids"})").count, 1U);
  EXPECT_TRUE(parsed<fault::RejectSignatures>(R"({"kind":"reject_signatures"})").on);
  for (const char* kind :
       {"deaf", "repeat", "garbage", "huge", "slow", "refuse", "certificate", "tls_version",
        "renegotiate", "answer", "shift_clock", "unsolicited", "error", "shutdown", "rate", "heal",
        "ignore_requests", "mute_stream", "list"}) {
    EXPECT_EQ(complaint(R"({"kind":")" + std::string(kind) + R"("})"), "none") << kind;
  }
}

TEST(ParseFault, TakesParametersByName) {
  const auto close = parsed<fault::Close>(R"({"kind":"close","code":1012,"reason":"Restart"})");
  EXPECT_EQ(close.code, 1012);
  EXPECT_EQ(close.reason, "Restart");
  EXPECT_FALSE(parsed<fault::Drop>(R"({"kind":"drop","reset":false})").reset);
  EXPECT_EQ(parsed<fault::Silent>(R"({"kind":"silent","ms":250})").duration, milliseconds(250));
  EXPECT_TRUE(parsed<fault::Deaf>(R"({"kind":"deaf","mute":true})").mute);
  const auto skip = parsed<fault::SkipIds>(R"({"kind":"skip_ids","count":3,"stream":"depth.A"})");
  EXPECT_EQ(skip.count, 3U);
  EXPECT_EQ(skip.stream, "depth.A");
  EXPECT_EQ(parsed<fault::Garbage>(R"({"kind":"garbage","text":"x","layer":"bytes"})").layer,
            fault::Garbage::Layer::bytes);
  EXPECT_EQ(parsed<fault::Huge>(R"({"kind":"huge","bytes":1000})").bytes, 1000U);
  EXPECT_EQ(parsed<fault::Slow>(R"({"kind":"slow","per_byte_us":5})").per_byte,
            std::chrono::microseconds(5));
  EXPECT_EQ(parsed<fault::Certificate>(R"({"kind":"certificate","which":"expired"})").kind,
            fault::Certificate::Kind::expired);
  EXPECT_EQ(parsed<fault::TlsVersion>(R"({"kind":"tls_version","which":"outdated"})").kind,
            fault::TlsVersion::Kind::outdated);
  const auto answer = parsed<fault::Answer>(R"({"kind":"answer","to":"rest","bytes":"no\n"})");
  EXPECT_EQ(answer.to, fault::Answer::To::rest);
  EXPECT_EQ(answer.bytes, "no\n");
  EXPECT_EQ(parsed<fault::IgnoreRequests>(R"({"kind":"ignore_requests","count":2})").count, 2U);
  EXPECT_EQ(parsed<fault::MuteStream>(R"({"kind":"mute_stream","stream":"trade.A"})").stream,
            "trade.A");
  EXPECT_EQ(parsed<fault::List>(R"({"kind":"list","stream":"trade.A"})").stream, "trade.A");
  EXPECT_EQ(parsed<fault::ShiftClock>(R"({"kind":"shift_clock","ms":-7000})").offset,
            milliseconds(-7000));
  EXPECT_EQ(parsed<fault::Error>(R"({"kind":"error","code":4010,"message":"m"})").code, 4010);
  EXPECT_EQ(parsed<fault::Rate>(R"({"kind":"rate","per_second":2.5})").per_second, 2.5);
  EXPECT_TRUE(std::isinf(parsed<fault::Rate>(R"({"kind":"rate","per_second":"max"})").per_second));
  EXPECT_EQ(parsed<fault::Rate>(R"({"kind":"rate","messages":3})").messages, 3U);
}

TEST(ParseFault, SaysWhatIsWrong) {
  EXPECT_EQ(complaint("drop"), "a fault is to be a JSON object");
  EXPECT_EQ(complaint("{}"), "kind is missing");
  EXPECT_EQ(complaint(R"({"kind":"explode"})").substr(0, 21), "kind is to be one of:");
  EXPECT_EQ(complaint(R"({"kind":"drop","rset":true})"), "unknown parameter: rset");
  EXPECT_EQ(complaint(R"({"kind":"close","code":99})"),
            "code is to be a whole number from 1000 to 4999");
  EXPECT_EQ(complaint(R"({"kind":"close","reason":5})"), "reason is to be a string");
  EXPECT_EQ(complaint(R"({"kind":"deaf","mute":1})"), "mute is to be true or false");
  EXPECT_EQ(complaint(R"({"kind":"silent","ms":-1})").substr(0, 6), "ms is ");
  EXPECT_EQ(complaint(R"({"kind":"silent","ms":18446744073709551615})").substr(0, 6), "ms is ");
  EXPECT_EQ(complaint(R"({"kind":"certificate","which":"odd"})"),
            "which is to be one of: expired, good, self_signed, wrong_host");
  EXPECT_NE(complaint(R"({"kind":"certificate","which":""})"), "none");
  EXPECT_EQ(complaint(R"({"kind":"rate","per_second":-1})"),
            "per_second is to be a number from 0 on, or \"max\"");
}

TEST(CertificateKind, HasTheNameThatParsesToIt) {
  EXPECT_EQ(to_string(fault::Certificate::Kind::wrong_host), "wrong_host");
}

}  // namespace
}  // namespace bpx::exchange
