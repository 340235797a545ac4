#include "bridge/publish/bouncer.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

/// A listener on a free port of `address`, with a client whose connection it has accepted.
class Door {
 public:
  explicit Door(in_addr_t address = INADDR_LOOPBACK)
      : listener_(::socket(AF_INET, SOCK_STREAM, 0)), client_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in bound{};
    bound.sin_family = AF_INET;
    bound.sin_addr.s_addr = htonl(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&bound);
    socklen_t size = sizeof bound;
    EXPECT_EQ(::bind(listener_, generic, size), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(client_, generic, size), 0);
    accepted_ = ::accept(listener_, nullptr, nullptr);
    EXPECT_GE(accepted_, 0);
  }
  ~Door() {
    for (const int descriptor : {accepted_, client_, listener_}) ::close(descriptor);
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  int listener() const { return listener_; }
  int client() const { return client_; }
  int accepted() const { return accepted_; }

  /// Another client, whose connection waits to be accepted.
  int knock() const {
    sockaddr_in bound{};
    auto* const generic = reinterpret_cast<sockaddr*>(&bound);
    socklen_t size = sizeof bound;
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    const int client = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(client, generic, size), 0);
    return client;
  }

  /// Whether the connection stands.
  bool is_open() const {
    char byte = 0;
    return ::recv(client_, &byte, 1, MSG_DONTWAIT) < 0;
  }

 private:
  int listener_;
  int client_;
  int accepted_ = -1;
};

TEST(Bouncer, EndsWhatAWatchedListenerHasAccepted) {
  for (const auto address : {INADDR_LOOPBACK, INADDR_ANY}) {
    const Door door(address);
    Bouncer bouncer;
    bouncer.watch(door.listener());
    EXPECT_TRUE(door.is_open());
    bouncer.show_out(door.accepted());
    EXPECT_FALSE(door.is_open());
  }
}

TEST(Bouncer, LeavesAloneWhatHasBecomeAnother) {
  const Door door, another;
  Bouncer bouncer;
  bouncer.watch(door.listener());
  for (const int descriptor :
       {another.accepted(), another.client(), door.client(), STDERR_FILENO, -1, 100'000}) {
    bouncer.show_out(descriptor);
    EXPECT_TRUE(another.is_open()) << descriptor;
    EXPECT_TRUE(door.is_open()) << descriptor;
  }
}

TEST(Bouncer, TurnsAwayWhoWaitsWhereNobodyElseCanAccept) {
  const Door door;
  Bouncer bouncer;
  bouncer.watch(door.listener());
  EXPECT_FALSE(bouncer.turn_away_one()) << "nobody waits";
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const int waiting = door.knock();
  const int lowest_free = ::dup(STDERR_FILENO);
  ::close(lowest_free);
  const rlimit none_left{static_cast<rlim_t>(lowest_free), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  EXPECT_LT(::accept(door.listener(), nullptr, nullptr), 0);
  EXPECT_TRUE(bouncer.turn_away_one());
  EXPECT_FALSE(bouncer.turn_away_one());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  char byte = 0;
  EXPECT_EQ(::recv(waiting, &byte, 1, 0), 0) << "its connection was not ended";
  ::close(waiting);
  bouncer.show_out(door.accepted());
  EXPECT_FALSE(door.is_open()) << "there is no descriptor left to do so";
}

TEST(Bouncer, KeepsNoConnectionOpen) {
  const Door door, another;
  Bouncer bouncer;
  bouncer.watch(door.listener());
  bouncer.show_out(another.accepted());
  ::close(::dup2(STDERR_FILENO, another.accepted()));
  EXPECT_FALSE(another.is_open()) << "a second descriptor of it is held";
}

}  // namespace
}  // namespace bpx::bridge
