#include "bridge/publish/nats_protocol.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::bridge {
namespace {

using Kind = NatsOperation::Kind;

JetStreamWindow::Message message(std::string_view stream, std::string_view payload) {
  JetStreamWindow::Message made;
  made.header = {.flags = 1,
                 .connection = 15,
                 .epoch_us = 11,
                 .sequence = 3,
                 .received_ns = 12,
                 .event_ns = 13,
                 .sent_ns = 14};
  made.text = std::string(stream).append(payload);
  made.stream_bytes = stream.size();
  return made;
}

constexpr std::size_t kMaxPayload = 1'000;

NatsPublications publications() { return {"backpack.", "_INBOX.me"}; }

TEST(NatsPublications, AreWrittenWithTheirHeadersAndWhereTheAnswerGoes) {
  std::string out = "PING\r\n";
  EXPECT_TRUE(publications().append(out, message("trade.A", "{}"), 7, kMaxPayload));
  EXPECT_EQ(
      out,
      "PING\r\n"
      "HPUB backpack.trade.A _INBOX.me.7 173 175\r\n"
      "NATS/1.0\r\nNats-Msg-Id: 11:trade.A:3\r\nBridge-Sequence: 3\r\nBridge-Epoch: 11\r\n"
      "Bridge-Connection: 15\r\nBridge-Flags: 1\r\nBridge-Received: 12\r\nBridge-Event: 13\r\n"
      "Bridge-Sent: 14\r\n\r\n"
      "{}\r\n");
}

TEST(NatsPublications, AreNotWrittenBeyondWhatTheServerTakes) {
  std::string out;
  EXPECT_TRUE(publications().append(out, message("trade.A", "{}"), 7, 175));
  const auto before = out;
  EXPECT_FALSE(publications().append(out, message("trade.A", "{}"), 7, 174));
  EXPECT_EQ(out, before);
}

TEST(NatsPublications, AreNotWrittenUnderSubjectsThatAreNone) {
  for (const auto* stream : {"trade.*", "trade.>", "trade.A B", "trade.A\r\n"}) {
    std::string out;
    EXPECT_FALSE(publications().append(out, message(stream, "{}"), 7, kMaxPayload)) << stream;
    EXPECT_EQ(out, "");
  }
}

TEST(NatsPublications, AreWrittenWhateverTheLengthOfTheirNumbersAndNames) {
  auto publications = bridge::publications();
  std::string out;
  auto longest = message("trade." + std::string(2'000, 'A'), "{}");
  longest.header = {.flags = 0xffff,
                    .connection = 0xffff'ffff,
                    .epoch_us = UINT64_MAX,
                    .sequence = UINT64_MAX,
                    .received_ns = INT64_MIN,
                    .event_ns = INT64_MIN,
                    .sent_ns = INT64_MIN};
  EXPECT_TRUE(publications.append(out, longest, UINT64_MAX, 10'000));
  EXPECT_NE(out.find("Nats-Msg-Id: 18446744073709551615:" + std::string(longest.stream()) +
                     ":18446744073709551615\r\n"),
            std::string::npos);
  EXPECT_NE(out.find("Bridge-Sent: -9223372036854775808\r\n\r\n{}\r\n"), std::string::npos);
  out.clear();
  auto other = message("trade.A", "{}");
  other.header.epoch_us = 5;
  EXPECT_TRUE(publications.append(out, other, 8, kMaxPayload));
  EXPECT_NE(out.find("Nats-Msg-Id: 5:trade.A:3\r\n"), std::string::npos) << "by its own epoch";
  EXPECT_NE(out.find("Bridge-Epoch: 5\r\n"), std::string::npos);
}

TEST(NatsPublications, KnowTheStreamOfASubject) {
  EXPECT_EQ(publications().stream_of("backpack.trade.A"), "trade.A");
  EXPECT_EQ(publications().stream_of("service"), std::nullopt);
}

TEST(NatsPublications, KnowTheirAnswersByNumber) {
  EXPECT_EQ(publications().number_of("_INBOX.me.7"), 7U);
  for (const auto* subject : {"_INBOX.you.7", "_INBOX.me.", "_INBOX.me.7x", "_INBOX.me.-1", ""})
    EXPECT_EQ(publications().number_of(subject), std::nullopt) << subject;
}

TEST(NatsOperation, IsReadOneAfterTheOther) {
  std::string input =
      "INFO {\"max_payload\":1}\r\nPING\r\nPONG\r\n+OK\r\n-ERR 'Stale Connection'\r\n"
      "MSG _INBOX.me.7 1 9\r\n{\r\n\"a\":1}\r\n";
  const auto take = [&] {
    const auto operation = next_operation(input).value();
    const std::pair taken(operation.kind, std::string(operation.text));
    input.erase(0, operation.bytes);
    return taken;
  };
  EXPECT_EQ(take(), std::pair(Kind::info, std::string("{\"max_payload\":1}")));
  EXPECT_EQ(take(), std::pair(Kind::ping, std::string()));
  EXPECT_EQ(take(), std::pair(Kind::pong, std::string()));
  EXPECT_EQ(take(), std::pair(Kind::ok, std::string()));
  EXPECT_EQ(take(), std::pair(Kind::error, std::string("'Stale Connection'")));
  EXPECT_EQ(take(), std::pair(Kind::message, std::string("{\r\n\"a\":1}")));
  EXPECT_EQ(input, "");
}

TEST(NatsOperation, OfAMessageTellsSubjectHeadersAndText) {
  const auto bare = next_operation("MSG _INBOX.me.7 1 2\r\n{}\r\nPING\r\n").value();
  EXPECT_EQ(bare.subject, "_INBOX.me.7");
  EXPECT_EQ(bare.headers, "");
  EXPECT_EQ(bare.text, "{}");
  const auto full = next_operation("HMSG a.b 1 reply 16 18\r\nNATS/1.0 503\r\n\r\n{}\r\n").value();
  EXPECT_EQ(full.subject, "a.b");
  EXPECT_EQ(full.headers, "NATS/1.0 503\r\n\r\n");
  EXPECT_EQ(full.text, "{}");
}

TEST(NatsOperation, IsReadOnceAllOfItHasCome) {
  for (const std::string_view whole :
       {"MSG a 1 2\r\n{}\r\n", "HMSG a 1 12 14\r\nNATS/1.0\r\n\r\n{}\r\n", "PING\r\n"}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(next_operation(whole.substr(0, size))) << whole.substr(0, size);
    EXPECT_EQ(next_operation(whole).value().bytes, whole.size());
  }
}

TEST(NatsOperation, OfAnErrorTellsWhatMustNotBePublished) {
  const auto of = [](const char* words) {
    return forbidden_subject({.kind = Kind::error, .subject = {}, .headers = {}, .text = words});
  };
  EXPECT_EQ(of("'Permissions Violation for Publish to \"backpack.trade.A\"'"), "backpack.trade.A");
  EXPECT_EQ(of("'Permissions Violation for Subscription to \"_INBOX.me.*\"'"), std::nullopt);
  EXPECT_EQ(of("'Maximum Payload Violation'"), std::nullopt);
}

TEST(NatsOperation, IsMalformedWhereItIsNoneOfThem) {
  for (const auto* input :
       {"\r\n", "HTTP/1.1 400 Bad Request\r\n", "MSG a 1 x\r\n", "MSG \r\n", "MSG a 1 -2\r\n{}\r\n",
        "HMSG a 1 3 2\r\n{}\r\n", "HMSG 2 2\r\n", "MSG a 1 99999999999\r\n", "MSG a 1 1\r\n{}\r\n"})
    EXPECT_EQ(next_operation(input).value().kind, Kind::malformed) << input;
}

}  // namespace
}  // namespace bpx::bridge
