#include "bridge/publish/refusals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class RefusalsTest : public testing::Test {
 protected:
  /// What has been logged, the log being closed.
  std::vector<std::string> lines() {
    log_.reset();
    return lines_;
  }

  std::vector<std::string> lines_;
  std::unique_ptr<Log> log_ = std::make_unique<Log>(
      Log::Options{.sink = [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }});
  Counter counter_;
  Refusals refusals_{"private", counter_, *log_};
};

TEST_F(RefusalsTest, AreCountedEachAndLoggedByPowersOfTwo) {
  for (int i = 0; i < 10; ++i) refusals_.note("10.0.0.1", "no_curve");
  EXPECT_EQ(counter_.value(), 10U);
  EXPECT_THAT(lines(),
              ElementsAre(HasSubstr("refused endpoint=private address=10.0.0.1 "
                                    "reason=no_curve key=\"\" count=1"),
                          HasSubstr("count=2"), HasSubstr("count=4"), HasSubstr("count=8")));
}

TEST_F(RefusalsTest, OfOneAddressDoNotHideAnothers) {
  for (int i = 0; i < 7; ++i) refusals_.note("10.0.0.1", "no_curve");
  refusals_.note("10.0.0.2", "unknown_key", "KEY");
  refusals_.note("10.0.0.1", "server_key");
  refusals_.note("", "no_curve");
  const auto logged = lines();
  ASSERT_THAT(logged, SizeIs(6));
  EXPECT_THAT(logged[3], HasSubstr("address=10.0.0.2 reason=unknown_key key=KEY count=1"));
  EXPECT_THAT(logged[4], HasSubstr("address=10.0.0.1 reason=server_key key=\"\" count=1"));
  EXPECT_THAT(logged[5], HasSubstr("address=unknown reason=no_curve key=\"\" count=1"));
}

TEST_F(RefusalsTest, FromEverNewAddressesCountAsOneBeyondAThousand) {
  for (int i = 0; i < 1'100; ++i) refusals_.note("address" + std::to_string(i), "no_curve");
  EXPECT_EQ(counter_.value(), 1'100U);
  const auto logged = lines();
  EXPECT_THAT(logged, SizeIs(1'000 + 7)) << "of the others the 1st, 2nd, 4th … 64th";
  EXPECT_THAT(
      logged.back(),
      HasSubstr("address=\"others, lately address1063\" reason=no_curve key=\"\" count=64"));
}

}  // namespace
}  // namespace bpx::bridge
