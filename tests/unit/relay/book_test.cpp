#include "bridge/relay/book.hpp"

#include "tests/support/depth.hpp"
#include "tests/support/padded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class Snapshots final : public SnapshotSource {
 public:
  void want(std::size_t) override {
    is_wanted = true;
    ++times_wanted;
  }
  void forget(std::size_t) override { is_wanted = false; }

  bool is_wanted = false;
  int times_wanted = 0;
};

/// A book whose price comes near the end of what a snapshot told. The market has an ask at each
/// whole price, from the best on without end.
class BookTest : public testing::Test {
 protected:
  /// In sync at update 10, with the asks from 1001 on.
  BookTest() {
    book_.on_subscribed();
    update(10, "[]");
    snapshot(10, 1'001);
    EXPECT_TRUE(book_.is_in_sync());
  }

  void publish(std::string_view text) {
    book_.on_published({.sequence = ++sequence_}, test::Padded(text).view());
  }

  void update(std::uint64_t id, const std::string& asks) {
    const auto number = std::to_string(id);
    publish(R"({"data":{"U":)" + number + R"(,"u":)" + number + R"(,"a":)" + asks + "}}");
  }

  /// Takes back all asks up to a price.
  void rise(std::uint64_t id, int from, int to) {
    std::string asks;
    for (int price = from; price <= to; ++price)
      asks.append(asks.empty() ? "[" : ",").append(R"([")" + std::to_string(price) + R"(","0"])");
    update(id, asks + ']');
  }

  /// Half of the first book and one more.
  void run_short() {
    rise(11, 1'001, 1'501);
    ASSERT_TRUE(snapshots_.is_wanted);
    ASSERT_TRUE(book_.is_in_sync());
  }

  /// What REST tells: the best thousand.
  void snapshot(std::uint64_t id, int best) {
    snapshots_.is_wanted = false;
    std::vector<std::string> prices;
    for (int i = 0; i < 1'000; ++i) prices.push_back(std::to_string(best + i));
    auto depth = test::depth_snapshot(id);
    for (const auto& price : prices) depth.asks.push_back({.price = price, .quantity = "1"});
    BookSnapshot taken{.last_update_id = id, .book = OrderBook(depth)};
    taken.book.cut_at(1'000);
    book_.on_snapshot(std::move(taken));
  }

  void expect_no_loss() {
    EXPECT_TRUE(book_.is_in_sync());
    EXPECT_EQ(measurements_.of("depth.A").book.value(), BookState::in_sync);
    EXPECT_EQ(measurements_.of("depth.A").book_resyncs.value(), 0U);
  }

  void expect_horizon(const std::string& price) {
    EXPECT_THAT(std::string(book_.json()), EndsWith(R"("horizon":{"asks":")" + price + R"("}})"));
  }

  Log log_{{.sink = [](LogLevel, std::string_view) {}}};
  Measurements measurements_{{"depth.A"}};
  proto::DepthReader reader_;
  Snapshots snapshots_;
  BookNews news_{log_};
  std::uint64_t sequence_ = 0;
  Book book_{"depth.A", 0, reader_, snapshots_, measurements_.of("depth.A"), news_, log_};
};

TEST_F(BookTest, IsRenewedUnnoticedOnceHalfOfASideThatWasCutIsGone) {
  rise(11, 1'001, 1'500);
  EXPECT_FALSE(snapshots_.is_wanted) << "half is left";
  rise(12, 1'501, 1'501);
  EXPECT_TRUE(snapshots_.is_wanted);
  update(13, R"([["2000.5","3"],["1999.5","4"]])");
  expect_no_loss();
  expect_horizon("2000");
  EXPECT_THAT(std::string(book_.json()), HasSubstr(R"(["1999.5","4"],["2000","1"]])"));
  snapshot(12, 1'502);
  expect_no_loss();
  EXPECT_FALSE(snapshots_.is_wanted);
  expect_horizon("2501");
  EXPECT_THAT(std::string(book_.json()),
              HasSubstr(R"(["1999.5","4"],["2000","1"],["2000.5","3"],["2001","1"])"));
  EXPECT_THAT(std::string(book_.json()), HasSubstr(R"("lastUpdateId":"13")"));
  update(14, R"([["2500","0"]])");
  expect_no_loss();
  EXPECT_THAT(std::string(book_.json()), Not(HasSubstr(R"("2500")")));
  EXPECT_EQ(snapshots_.times_wanted, 2) << "the first was to begin with";
}

TEST_F(BookTest, IsRenewedThoughNothingMoreComes) {
  run_short();
  snapshot(11, 1'502);
  expect_no_loss();
  expect_horizon("2501");
}

TEST_F(BookTest, IsServedAsFarAsItGoesUntilTheStreamHasCaughtUpWithTheSnapshot) {
  run_short();
  snapshot(13, 1'502);
  update(12, "[]");
  expect_no_loss();
  expect_horizon("2000");
  update(13, "[]");
  expect_no_loss();
  expect_horizon("2501");
}

TEST_F(BookTest, AsksAgainWhereTheSnapshotIsTooOld) {
  run_short();
  snapshot(9, 1'001);
  expect_no_loss();
  EXPECT_TRUE(snapshots_.is_wanted);
  expect_horizon("2000");
}

TEST_F(BookTest, IsRenewedAgainWhereTheNewOneRunsShortAtOnce) {
  run_short();
  rise(12, 1'502, 2'002);
  snapshot(11, 1'502);
  expect_no_loss();
  expect_horizon("2501");
  EXPECT_FALSE(snapshots_.is_wanted) << "it takes an update to join another with";
  update(13, "[]");
  EXPECT_TRUE(snapshots_.is_wanted);
  snapshot(13, 2'003);
  expect_no_loss();
  expect_horizon("3002");
}

TEST_F(BookTest, IsLostOnceThoughItIsBeingRenewedAndTakesTheSameSnapshot) {
  run_short();
  update(13, "[]");
  EXPECT_FALSE(book_.is_in_sync());
  EXPECT_EQ(measurements_.of("depth.A").book_resyncs.value(), 1U);
  EXPECT_TRUE(snapshots_.is_wanted);
  snapshot(13, 1'502);
  EXPECT_TRUE(book_.is_in_sync());
  EXPECT_EQ(measurements_.of("depth.A").book_resyncs.value(), 1U);
  expect_horizon("2501");
}

TEST_F(BookTest, IsLostByWhatCannotBeReadThoughItIsBeingRenewed) {
  run_short();
  publish("{}");
  EXPECT_FALSE(book_.is_in_sync());
  EXPECT_FALSE(snapshots_.is_wanted);
  snapshot(11, 1'502);
  EXPECT_FALSE(book_.is_in_sync()) << "who knows what the message said";
  update(13, "[]");
  EXPECT_TRUE(snapshots_.is_wanted);
}

TEST_F(BookTest, IsNotRenewedWhileItsSubscriptionIsOver) {
  run_short();
  book_.on_unsubscribed(BookLoss::unsubscribed);
  EXPECT_FALSE(book_.is_in_sync());
  EXPECT_FALSE(snapshots_.is_wanted);
  snapshot(11, 1'502);
  EXPECT_FALSE(book_.is_in_sync());
  book_.on_subscribed();
  update(12, "[]");
  expect_no_loss();
  expect_horizon("2000");
  EXPECT_TRUE(snapshots_.is_wanted);
  snapshot(12, 1'502);
  expect_no_loss();
  expect_horizon("2501");
}

TEST_F(BookTest, IsNotReplacedByOneThatIsOlder) {
  run_short();
  rise(12, 1'502, 2'002);
  snapshot(11, 1'502);
  update(11, "[]");  // a repetition; and REST is as old
  EXPECT_TRUE(snapshots_.is_wanted);
  snapshot(11, 1'502);
  expect_no_loss();
  EXPECT_THAT(std::string(book_.json()), HasSubstr(R"("lastUpdateId":"12")"));
  update(13, "[]");
  EXPECT_TRUE(snapshots_.is_wanted);
  snapshot(13, 2'003);
  expect_no_loss();
  expect_horizon("3002");
}

}  // namespace
}  // namespace bpx::bridge
