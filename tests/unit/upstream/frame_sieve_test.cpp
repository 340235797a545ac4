#include "bridge/upstream/frame_sieve.hpp"

#include "tests/support/deflater.hpp"
#include "tests/support/message_frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
constexpr std::size_t kMaxMessage = 100'000;
constexpr std::size_t kBeyondTheSieve = 70'000;

std::string frame(int first, const std::string& payload, bool is_masked = false) {
  std::string text(1, static_cast<char>(first));
  const auto mask = is_masked ? 0x80U : 0U;
  const auto size = payload.size();
  if (size < 126) {
    text += static_cast<char>(mask | size);
  } else if (size < 65'536) {
    text += static_cast<char>(mask | 126U);
    for (const auto shift : {8U, 0U}) text += static_cast<char>(size >> shift & 0xffU);
  } else {
    text += static_cast<char>(mask | 127U);
    for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift & 0xffU);
  }
  if (is_masked) text += std::string("\x01\x02\x03\x04");
  return text + payload;
}

std::string message(const std::string& payload) { return frame(0x81, payload); }

/// What comes out of a sieve, in order: messages, and the bytes that are for others.
struct Sifted {
  bool is_message = false;
  std::string bytes;

  bool operator==(const Sifted&) const = default;
};

void PrintTo(const Sifted& sifted, std::ostream* os) {
  *os << (sifted.is_message ? "message " : "rest ") << sifted.bytes.size() << " bytes "
      << sifted.bytes.substr(0, 40);
}

class FrameSieveTest : public testing::Test {
 protected:
  /// Writes `bytes` as they came, at most `at_once` at a time.
  void come(std::string_view bytes, std::size_t at_once = 1'000'000) {
    while (!bytes.empty()) {
      const auto space = sieve_.space();
      ASSERT_FALSE(space.empty());
      const auto part = bytes.substr(0, std::min(at_once, space.size()));
      std::ranges::copy(part, space.begin());
      sieve_.filled(part.size());
      bytes.remove_prefix(part.size());
      take();
    }
  }

  void take() {
    for (;;) {
      const auto foreseen = sieve_.next_message();
      if (const auto message = sieve_.take_message()) {
        EXPECT_EQ(*message, foreseen.value_or(*message));
        sifted_.push_back({true, std::string(*message)});
        continue;
      }
      const auto rest = sieve_.rest();
      if (rest.empty()) return;
      const auto size = std::min(rest.size(), rest_at_once_);
      if (sifted_.empty() || sifted_.back().is_message) sifted_.push_back({false, ""});
      sifted_.back().bytes.append(reinterpret_cast<const char*>(rest.data()), size);
      sieve_.taken(size);
    }
  }

  void shake_hands(bool is_compression_agreed = false) {
    come(kAnswer);
    sifted_.clear();
    sieve_.handshake_is_over(is_compression_agreed);
  }

  FrameSieve sieve_{kMaxMessage};
  std::size_t rest_at_once_ = 1'536;  // as Beast reads
  std::vector<Sifted> sifted_;
};

TEST_F(FrameSieveTest, TakesWholePlainMessagesOut) {
  shake_hands();
  come(message("{}") + message("") + message(std::string(200, 'x')) + message("beg"));
  EXPECT_EQ(sifted_, (std::vector<Sifted>{
                         {true, "{}"}, {true, ""}, {true, std::string(200, 'x')}, {true, "beg"}}));
}

TEST_F(FrameSieveTest, ForeseesWholePlainMessages) {
  shake_hands();
  const auto text = message("{}") + frame(0x82, "{}");
  std::ranges::copy(text, sieve_.space().begin());
  sieve_.filled(3);
  EXPECT_EQ(sieve_.next_message(), std::nullopt) << "it is not there whole";
  sieve_.filled(text.size() - 3);
  EXPECT_EQ(sieve_.next_message(), "{}");
  EXPECT_EQ(sieve_.take_message(), "{}");
  EXPECT_EQ(sieve_.next_message(), std::nullopt) << "it is not text";
}

TEST_F(FrameSieveTest, WaitsForTheRestOfAMessage) {
  shake_hands();
  const auto text = message(std::string(300, 'x')) + message("{}");
  come(text.substr(0, 2));
  come(text.substr(2, 200));
  EXPECT_TRUE(sifted_.empty());
  come(text.substr(202));
  EXPECT_EQ(sifted_, (std::vector<Sifted>{{true, std::string(300, 'x')}, {true, "{}"}}));
}

TEST_F(FrameSieveTest, LeavesEverythingElseToOthersInItsPlace) {
  const std::vector<std::string> others = {
      frame(0x89, "ping"),
      frame(0x8a, ""),
      frame(0x82, "binary"),
      frame(0xc1, "compressed"),
      frame(0x91, "reserved"),
      frame(0x01, "a") + frame(0x89, "between") + frame(0x81, "wrong") + frame(0x80, "b"),
      frame(0x81, "masked", true),
      std::string("\x81\x7e\x00\x02{}", 6),                           // not in as few bytes
      std::string("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x02{}", 12),  // likewise
      message("no UTF-8: \xff"),
      message(std::string(kBeyondTheSieve, 'x')),
      message(std::string(kMaxMessage + 1, 'x')),
      frame(0x88, "\x03\xe8"),
  };
  for (const auto& other : others) {
    sieve_ = FrameSieve(kMaxMessage);
    shake_hands();
    come(message("before") + other + message("after"));
    EXPECT_EQ(sifted_, (std::vector<Sifted>{{true, "before"}, {false, other}, {true, "after"}}));
    sifted_.clear();
  }
}

TEST_F(FrameSieveTest, GivesTheAnswerToTheHandshakeUpToItsEnd) {
  for (std::size_t at_once = 1; at_once <= kAnswer.size(); ++at_once) {
    sieve_ = FrameSieve(kMaxMessage);
    sifted_.clear();
    rest_at_once_ = at_once % 7 + 1;
    // Frames may follow in the same read.
    const auto first = message("first");
    come(kAnswer.substr(0, kAnswer.size() - 1), at_once);
    const auto space = sieve_.space();
    const auto end = std::string(kAnswer.substr(kAnswer.size() - 1)) + first;
    std::ranges::copy(end, space.begin());
    sieve_.filled(end.size());
    std::string answer = sifted_.empty() ? "" : sifted_.front().bytes;
    while (answer.size() < kAnswer.size()) {
      const auto rest = sieve_.rest();
      ASSERT_FALSE(rest.empty());
      const auto size = std::min(rest.size(), rest_at_once_);
      answer.append(reinterpret_cast<const char*>(rest.data()), size);
      sieve_.taken(size);
    }
    EXPECT_EQ(answer, kAnswer) << at_once;
    sieve_.handshake_is_over(false);
    EXPECT_EQ(sieve_.take_message(), "first") << at_once;
  }
}

TEST_F(FrameSieveTest, GivesAllOfAnAnswerThatRefuses) {
  const std::string answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot there";
  for (const std::size_t at_once : {1U, 3U, 50U, 100U}) {
    sieve_ = FrameSieve(kMaxMessage);
    sifted_.clear();
    come(answer, at_once);
    EXPECT_EQ(sifted_, (std::vector<Sifted>{{false, answer}})) << at_once;
  }
}

TEST_F(FrameSieveTest, TellsWhatACloseFrameSaysHoweverItComes) {
  const auto close = frame(0x88, "\x03\xf6go away");
  for (std::size_t at_once = 1; at_once <= close.size(); ++at_once) {
    sieve_ = FrameSieve(kMaxMessage);
    shake_hands();
    come(close, at_once);
    EXPECT_EQ(sifted_, (std::vector<Sifted>{{false, close}})) << at_once;
    ASSERT_TRUE(sieve_.close()) << at_once;
    EXPECT_EQ(sieve_.close()->code, 1014);
    EXPECT_EQ(sieve_.close()->reason, "go away");
    EXPECT_TRUE(sieve_.close()->can_be_sent());
    sifted_.clear();
  }
}

TEST_F(FrameSieveTest, TellsTheFirstCloseFrameAlone) {
  shake_hands();
  come(frame(0x88, "\x03\xe8") + frame(0x88, "\x03\xf6"));
  ASSERT_TRUE(sieve_.close());
  EXPECT_EQ(sieve_.close()->code, 1000);
}

TEST_F(FrameSieveTest, KnowsCloseFramesThatNobodyMaySend) {
  using namespace std::string_literals;
  for (const auto& payload :
       {"\x03\xe7"s, "\x03\xed"s, "\x03\xee"s, "\x03\xf7"s, "\x03\xe8\xff"s}) {
    sieve_ = FrameSieve(kMaxMessage);
    shake_hands();
    come(frame(0x88, payload));
    ASSERT_TRUE(sieve_.close());
    EXPECT_FALSE(sieve_.close()->can_be_sent()) << sieve_.close()->code;
  }
  sieve_ = FrameSieve(kMaxMessage);
  shake_hands();
  come(frame(0x88, "x"));  // half a code
  EXPECT_FALSE(sieve_.close());
}

TEST_F(FrameSieveTest, SurvivesALengthThatCannotBe) {
  shake_hands();
  std::string endless("\x81\x7f");
  endless.append(8, '\xff');
  come(endless + message("{}") + message("{}"));
  EXPECT_EQ(sifted_, (std::vector<Sifted>{{false, endless + message("{}") + message("{}")}}));
}

TEST_F(FrameSieveTest, LosesAndReordersNothingHoweverItComes) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    sieve_ = FrameSieve(kMaxMessage);
    shake_hands();
    std::string sent;
    std::vector<Sifted> expected;
    for (int i = 0; i < 40; ++i) {
      const auto size = random() % 50 == 0 ? random() % 90'000 : random() % 400;
      const bool is_plain = random() % 3 != 0 && size < 60'000;
      const std::string payload(size, static_cast<char>('a' + random() % 26));
      const auto bytes = frame(is_plain ? 0x81 : 0x82, payload);
      sent += bytes;
      if (is_plain)
        expected.push_back({true, payload});
      else if (expected.empty() || expected.back().is_message)
        expected.push_back({false, bytes});
      else
        expected.back().bytes += bytes;
    }
    rest_at_once_ = random() % 3'000 + 1;
    come(sent, random() % 5 == 0 ? 1 + random() % 20 : 1 + random() % 70'000);
    ASSERT_EQ(sifted_, expected) << round;
    sifted_.clear();
  }
}

/// The only frame of a compressed message.
std::string compressed(const std::string& payload) { return frame(0xc1, payload); }

TEST_F(FrameSieveTest, InflatesWhatIsCompressedInItsPlace) {
  test::Deflater deflater(true);
  const auto payload = deflater.payload_of(std::string(90'000, 'x'));
  const auto empty = deflater.payload_of("");
  const auto binary = deflater.payload_of("\xff");
  shake_hands(true);
  come(message("before") + frame(0x89, "ping") + frame(0x41, payload.substr(0, 5)) +
       frame(0x8a, "between") + frame(0x00, "") + frame(0x80, payload.substr(5)) +
       compressed(empty) + frame(0xc2, binary) + message("after"));
  EXPECT_EQ(sifted_, (std::vector<Sifted>{{true, "before"},
                                          {false, frame(0x89, "ping") + frame(0x8a, "between")},
                                          {true, std::string(90'000, 'x')},
                                          {true, ""},
                                          {true, "\xff"},  // binary: it need not be UTF-8
                                          {true, "after"}}));
  EXPECT_EQ(sieve_.fault(), FrameSieve::Fault::none);
}

TEST_F(FrameSieveTest, LeavesCompressedFramesThatBreakTheRulesToOthers) {
  const auto payload = test::Deflater(true).payload_of("{}");
  const auto begun = frame(0x41, payload);
  const std::vector<std::pair<std::string, std::string>> sent_and_left = {
      {frame(0xe1, payload), frame(0xe1, payload)},              // a second reserved bit
      {frame(0xc1, payload, true), frame(0xc1, payload, true)},  // masked
      {frame(0x01, "a") + frame(0xc1, payload), frame(0x01, "a") + frame(0xc1, payload)},
      {begun + frame(0xc0, "x"), frame(0xc0, "x")},
      {begun + frame(0x80, "x", true), frame(0x80, "x", true)},
      {begun + frame(0x83, "x"), frame(0x83, "x")},
      {begun + std::string("\x80\x7e\x00\x01x", 5), std::string("\x80\x7e\x00\x01x", 5)},
  };
  for (const auto& [sent, left] : sent_and_left) {
    sieve_ = FrameSieve(kMaxMessage);
    shake_hands(true);
    come(sent);
    EXPECT_EQ(sifted_, (std::vector<Sifted>{{false, left}}));
    EXPECT_EQ(sieve_.fault(), FrameSieve::Fault::none);
    sifted_.clear();
  }
}

TEST_F(FrameSieveTest, GivesNothingMoreOnceACompressedMessageIsFaulty) {
  using Fault = FrameSieve::Fault;
  const auto payload = [](const std::string& text) {
    return test::Deflater(true).payload_of(text);
  };
  const std::vector<std::pair<std::string, Fault>> sent_and_fault = {
      {compressed("\x07"), Fault::corrupt},
      {compressed(""), Fault::corrupt},  // even an empty message has a block
      {compressed(payload("cut short").substr(0, 6)), Fault::corrupt},
      {compressed(payload("\xff")), Fault::not_utf8},
      {compressed(payload(std::string(kMaxMessage + 1, 'x'))), Fault::oversized},
      {frame(0x41, payload(std::string(kMaxMessage + 1, 'x'))), Fault::oversized},
      {frame(0x41, payload("{")) + frame(0x81, "{}"), Fault::broken_into},
      {frame(0x41, payload("{")) + frame(0x89, "") + frame(0xc2, "{}"), Fault::broken_into},
  };
  for (const auto& [sent, fault] : sent_and_fault) {
    sieve_ = FrameSieve(kMaxMessage);
    shake_hands(true);
    come(message("before") + sent + message("after"));
    EXPECT_EQ(sieve_.fault(), fault);
    EXPECT_EQ(sifted_.front(), (Sifted{true, "before"}));
    EXPECT_NE(sifted_.back(), (Sifted{true, "after"}));
    sifted_.clear();
  }
}

TEST_F(FrameSieveTest, InflatesAMessageAsLongAsTheBound) {
  shake_hands(true);
  test::Deflater deflater(true);
  for (const std::size_t size : {kMaxMessage, kMaxMessage - 1, std::size_t{65'536}})
    come(compressed(deflater.payload_of(std::string(size, 'x'))));
  ASSERT_EQ(sieve_.fault(), FrameSieve::Fault::none);
  ASSERT_EQ(sifted_.size(), 3U);
  EXPECT_EQ(sifted_.front().bytes, std::string(kMaxMessage, 'x'));
}

TEST_F(FrameSieveTest, GoesOnBehindABlockThatCallsItselfTheLast) {
  shake_hands(true);
  test::Deflater deflater(true);
  const std::string text = "again and again and again";
  come(compressed(deflater.payload_with_last_block_of(text)));
  come(compressed(deflater.payload_of(text)));
  come(compressed(deflater.payload_of(text)));
  EXPECT_EQ(sifted_, (std::vector<Sifted>(3, {true, text})));
  // RFC 7692, 7.2.3.4: the other way to send "Hello"; it may be referred to (7.2.3.2).
  sifted_.clear();
  come(compressed(std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)) +
       compressed(std::string("\xf2\x00\x11\x00\x00", 5)));
  EXPECT_EQ(sifted_, (std::vector<Sifted>(2, {true, "Hello"})));
}

/// An empty block that calls itself the last one takes ten bits and a whole number of bytes.
std::string nothing(std::size_t blocks) {
  std::string bytes;
  while (blocks-- > 0) bytes += std::string("\x03\x00", 2);
  return bytes;
}

TEST_F(FrameSieveTest, TakesMoreCompressedBytesThanInflatedOnesButNotWithoutEnd) {
  const auto payload = test::Deflater(true).payload_of("{}");
  shake_hands(true);
  come(compressed(nothing(kMaxMessage) + payload));
  EXPECT_EQ(sifted_, (std::vector<Sifted>{{true, "{}"}}));
  come(frame(0x41, nothing(kMaxMessage)) + frame(0x80, payload));
  EXPECT_EQ(sifted_.size(), 2U) << "each message by itself";
  EXPECT_EQ(sieve_.fault(), FrameSieve::Fault::none);
  come(frame(0x41, nothing(kMaxMessage)));
  EXPECT_EQ(sieve_.fault(), FrameSieve::Fault::none);
  for (int part = 0; part < 3; ++part) come(frame(0x00, nothing(15'000)));
  EXPECT_EQ(sieve_.fault(), FrameSieve::Fault::oversized);
}

TEST_F(FrameSieveTest, AltersNothingThatIsCompressedHoweverItComes) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    sieve_ = FrameSieve(kMaxMessage);
    shake_hands(true);
    test::Deflater deflater(random() % 2 == 0, static_cast<int>(9 + random() % 7));
    std::string sent;
    std::vector<Sifted> expected;
    for (int i = 0; i < 20; ++i) {
      const auto size = random() % 10 == 0 ? random() % kMaxMessage : random() % 5'000;
      const auto text = test::random_letters(size, random);
      sent += test::fragments({.payload = deflater.payload_of(text), .reserved = 4},
                              1 + random() % 6, random);
      expected.push_back({true, text});
    }
    come(sent, random() % 5 == 0 ? 1 + random() % 20 : 1 + random() % 70'000);
    ASSERT_TRUE(sifted_ == expected) << round;  // too long to be shown
    sifted_.clear();
  }
}

}  // namespace
}  // namespace bpx::bridge
