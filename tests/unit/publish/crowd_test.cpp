#include "bridge/publish/crowd.hpp"

#include "tests/support/deadline.hpp"
#include "tests/support/loopback_listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CrowdTest : public testing::Test {
 protected:
  CrowdTest() { crowd_.listening(listener_.descriptor()); }
  ~CrowdTest() override {
    for (const int descriptor : descriptors_) ::close(descriptor);
  }

  /// A client's connection, as it has been accepted.
  int connection() {
    sockaddr_in address{};
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(listener_.descriptor(), generic, &size), 0);
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(client, generic, size), 0);
    int accepted = -1;
    EXPECT_TRUE(test::comes_true([&] { return (accepted = listener_.accept()) >= 0; }));
    descriptors_.insert(descriptors_.end(), {client, accepted});
    return accepted;
  }

  /// One whose client reads nothing of all that is published.
  int who_is_behind() {
    const int slow = connection();
    crowd_.arrived(slow);
    crowd_.identify(slow);
    const std::string piece(4'096, 'x');
    EXPECT_TRUE(test::comes_true([&] {  // the system may still find room
      while (::send(slow, piece.data(), piece.size(), MSG_DONTWAIT) > 0) {
      }
      crowd_.look_around();
      measurements_.bytes.add(10'000'000);
      crowd_.look_around();
      return crowd_.furthest_behind() > 0;
    }));
    return slow;
  }

  std::uint64_t turned_away() const {
    return measurements_.turned_away[TurnedAway::crowded].value();
  }

  /// What has been logged, the log being closed.
  std::vector<std::string> lines() {
    log_.reset();
    return lines_;
  }

  std::vector<std::string> lines_;
  std::unique_ptr<Log> log_ = std::make_unique<Log>(
      Log::Options{.sink = [this](LogLevel, std::string_view line) { lines_.emplace_back(line); }});
  EndpointMeasurements measurements_;
  test::LoopbackListener listener_;
  std::vector<int> descriptors_;
  Crowd crowd_{"public", false, {.connections = 1}, measurements_, *log_};
};

TEST_F(CrowdTest, CountsAndNamesWhoIsTurnedAway) {
  crowd_.arrived(connection());
  const int one_too_many = connection();
  const auto address = peer_address(one_too_many).text();
  crowd_.arrived(one_too_many);
  EXPECT_EQ(turned_away(), 1U);
  EXPECT_THAT(lines(),
              ElementsAre(HasSubstr(
                  "turned away endpoint=public reason=crowded consumer=" + address + ' ')));
}

TEST_F(CrowdTest, TakesWhoHasLeftForNobodyWhoWasTurnedAway) {
  crowd_.arrived(connection());
  const int one_too_many = connection();
  descriptors_.pop_back();
  ::close(one_too_many);
  crowd_.arrived(one_too_many);
  EXPECT_EQ(turned_away(), 0U);
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(CrowdTest, EvictsWhoIsFurthestBehind) {
  const int slow = who_is_behind();
  const auto address = peer_address(slow).text();
  EXPECT_TRUE(crowd_.evict_furthest_behind(20'000));
  EXPECT_EQ(measurements_.evicted.value(), 1U);
  EXPECT_EQ(crowd_.furthest_behind(), 0U);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("evicted endpoint=public consumer=" + address + ' ')));
}

TEST_F(CrowdTest, EvictsNobodyElseWhoHasComeToTheDescriptor) {
  const int slow = who_is_behind();
  const int newcomer = connection();
  EXPECT_EQ(::dup2(newcomer, slow), slow);
  EXPECT_FALSE(crowd_.evict_furthest_behind(20'000));
  EXPECT_EQ(measurements_.evicted.value(), 0U);
  EXPECT_EQ(::send(newcomer, "x", 1, MSG_NOSIGNAL), 1) << "its connection was ended";
  EXPECT_EQ(crowd_.furthest_behind(), 0U) << "it would keep others from being looked at";
  EXPECT_THAT(lines(), IsEmpty());
}

}  // namespace
}  // namespace bpx::bridge
