#include "bridge/relay/book_news.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

class BookNewsTest : public testing::Test {
 protected:
  /// What has been logged, the log being closed.
  std::vector<std::string> lines() {
    log_.reset();
    return lines_;
  }

  std::vector<std::string> lines_;
  std::unique_ptr<Log> log_ = std::make_unique<Log>(
      Log::Options{.sink = [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }});
  BookNews news_{*log_};
};

TEST_F(BookNewsTest, NamesEachOfAFewBooks) {
  news_.lost("depth.A", BookLoss::gap);
  news_.in_sync("depth.A", 7, 100);
  const auto logged = lines();
  ASSERT_THAT(logged, SizeIs(2));
  EXPECT_THAT(logged[0], HasSubstr("WARN  book lost stream=depth.A reason=gap"));
  EXPECT_THAT(logged[1], HasSubstr("INFO  book in sync stream=depth.A update_id=7 levels=100"));
}

TEST_F(BookNewsTest, SaysThatManyAreLostInsteadOfNamingHundreds) {
  for (int i = 0; i < 500; ++i) news_.lost("depth.S" + std::to_string(i), BookLoss::disconnected);
  for (int i = 0; i < 500; ++i) news_.in_sync("depth.S" + std::to_string(i), 7, 100);
  const auto logged = lines();
  EXPECT_THAT(logged, SizeIs(2 * (20 + 1)));
  EXPECT_THAT(logged[20], HasSubstr("WARN  many books lost within_a_minute=20"));
  EXPECT_THAT(logged[41], HasSubstr("INFO  many books in sync within_a_minute=20"));
}

TEST_F(BookNewsTest, WarnsOfNoneThatIsGivenUp) {
  for (int i = 0; i < 500; ++i) news_.lost("depth.S" + std::to_string(i), BookLoss::unsubscribed);
  const auto logged = lines();
  ASSERT_THAT(logged, SizeIs(20 + 1));
  EXPECT_THAT(logged[0], HasSubstr("INFO  book lost stream=depth.S0 reason=unsubscribed"));
  EXPECT_THAT(logged[20], HasSubstr("INFO  many books lost within_a_minute=20"));
}

TEST_F(BookNewsTest, NamesOneThatIsLostForAnotherReason) {
  for (int i = 0; i < 500; ++i) news_.lost("depth.S" + std::to_string(i), BookLoss::disconnected);
  news_.lost("depth.LARGE", BookLoss::too_many_levels);
  EXPECT_THAT(lines(), Contains(HasSubstr("book lost stream=depth.LARGE reason=too_many_levels")));
}

}  // namespace
}  // namespace bpx::bridge
