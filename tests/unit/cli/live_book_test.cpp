#include "bridge/cli/live_book.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge::cli {
namespace {

using proto::MessageHeader;

constexpr std::string_view kAnswer =
    R"({"asks":[["101","1"],["102","2"]],"bids":[["99","3"]],"lastUpdateId":"7","timestamp":1})";

TailMessage message(std::string_view payload, const MessageHeader& header) {
  return {.topic = "depth.A", .payload = payload, .header = header};
}

/// One that sets the best bid.
std::string update(int id, const std::string& quantity) {
  const auto text = std::to_string(id);
  return R"({"data":{"e":"depth","U":)" + text + R"(,"u":)" + text + R"(,"b":[["99",")" + quantity +
         R"("]]},"stream":"depth.A"})";
}

class LiveBookTest : public testing::Test {
 protected:
  LiveBookTest() {
    book_.on_answer(
        message(kAnswer,
                {.flags = MessageHeader::replay, .epoch_us = 5, .sequence = 3, .event_ns = 1'000}));
  }

  LiveBook book_;
};

TEST_F(LiveBookTest, IsTheAnswer) {
  EXPECT_TRUE(book_.is_right());
  EXPECT_EQ(book_.update_id(), 7U);
  EXPECT_EQ(book_.json(), kAnswer);
}

TEST_F(LiveBookTest, AppliesWhatFollows) {
  book_.on_live(message(update(8, "4.50"), {.epoch_us = 5, .sequence = 4, .event_ns = 2'000}));
  EXPECT_EQ(
      book_.json(),
      R"({"asks":[["101","1"],["102","2"]],"bids":[["99","4.50"]],"lastUpdateId":"8","timestamp":2})");
}

TEST_F(LiveBookTest, RunsShortWhereFewLevelsAreLeftOfASideThatIsCut) {
  EXPECT_FALSE(book_.runs_short()) << "this is all there is";
  std::string levels;
  for (std::size_t price = 1; price <= LiveBook::kFewestLevels; ++price)
    levels.append(levels.empty() ? "" : ",").append(R"([")" + std::to_string(price) + R"(","1"])");
  book_.on_answer(
      message(R"({"asks":[],"bids":[)" + levels + R"(],"lastUpdateId":"7","horizon":{"bids":"1"}})",
              {.epoch_us = 5, .sequence = 3}));
  EXPECT_FALSE(book_.runs_short());
  const auto* const change =
      R"({"data":{"U":8,"u":8,"b":[["0.9","1"],["2","0"]]},"stream":"depth.A"})";
  book_.on_live(message(change, {.epoch_us = 5, .sequence = 4}));
  EXPECT_TRUE(book_.runs_short());
  EXPECT_TRUE(book_.is_right()) << "up to its horizon";
  EXPECT_NE(book_.json().find(R"("horizon":{"bids":"1"})"), std::string::npos);
  book_.forget();
  EXPECT_FALSE(book_.runs_short());
}

TEST_F(LiveBookTest, PassesOverWhatIsInIt) {
  book_.on_live(message(update(8, "4"), {.epoch_us = 5, .sequence = 3}));
  book_.on_live(message(update(7, "4"), {.epoch_us = 5, .sequence = 4}));  // said again
  EXPECT_EQ(book_.json(), kAnswer);
  book_.on_live(message(update(8, "4"), {.epoch_us = 5, .sequence = 5}));
  EXPECT_EQ(book_.update_id(), 8U);
}

TEST_F(LiveBookTest, IsWrongAfterWhatDoesNotContinueIt) {
  const auto next = update(8, "4");
  const std::pair<std::string, MessageHeader> breaks[] = {
      {next, {.epoch_us = 5, .sequence = 5}},
      {next, {.epoch_us = 6, .sequence = 4}},
      {next, {.epoch_us = 6, .sequence = 1}},
      {next, {.flags = MessageHeader::gap_before, .epoch_us = 5, .sequence = 4}},
      {R"({"data":{},"stream":"depth.A"})", {.epoch_us = 5, .sequence = 4}},
  };
  for (const auto& [payload, header] : breaks) {
    LiveBook book;
    book.on_answer(message(kAnswer, {.epoch_us = 5, .sequence = 3}));
    ASSERT_TRUE(book.is_right());
    book.on_live(message(payload, header));
    EXPECT_FALSE(book.is_right()) << payload << ' ' << header.epoch_us << ' ' << header.sequence;
    EXPECT_EQ(book.json(), "");
    EXPECT_EQ(book.update_id(), 0U);
    book.on_live(message(next, {.epoch_us = 5, .sequence = 4}));
    EXPECT_FALSE(book.is_right()) << "it has come back by itself";
  }
}

TEST_F(LiveBookTest, IsKeptWhereTheAnswerIsThatThereIsNoOther) {
  book_.on_answer(message(kAnswer, {.epoch_us = 5, .sequence = 3}));
  book_.on_answer(message("", {.epoch_us = 5, .sequence = 3}));
  EXPECT_TRUE(book_.is_right());
  book_.forget();
  book_.on_answer(message("", {.epoch_us = 5, .sequence = 3}));
  EXPECT_FALSE(book_.is_right());
}

TEST_F(LiveBookTest, IsNoneWhereTheAnswerIsNoBook) {
  for (const std::string_view payload : {"{}", R"({"asks":[["1"]],"bids":[]})"}) {
    book_.on_answer(message(kAnswer, {.epoch_us = 5, .sequence = 3}));
    book_.on_answer(message(payload, {.epoch_us = 5, .sequence = 3}));
    EXPECT_FALSE(book_.is_right()) << payload;
  }
}

}  // namespace
}  // namespace bpx::bridge::cli
