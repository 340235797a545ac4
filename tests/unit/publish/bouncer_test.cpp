#include "bridge/publish/bouncer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

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
  int knock() const { return knock(::socket(AF_INET, SOCK_STREAM, 0)); }
  int knock(int client) const {
    sockaddr_in bound{};
    auto* const generic = reinterpret_cast<sockaddr*>(&bound);
    socklen_t size = sizeof bound;
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
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

/// No more descriptors than there are, for as long as it lives.
class NoneLeft {
 public:
  NoneLeft() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int lowest_free = ::dup(STDERR_FILENO);
    ::close(lowest_free);
    const rlimit none_left{static_cast<rlim_t>(lowest_free), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  }
  ~NoneLeft() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoneLeft(const NoneLeft&) = delete;
  NoneLeft& operator=(const NoneLeft&) = delete;

 private:
  rlimit before_{};
};

TEST(Bouncer, EndsWhatAWatchedListenerHasAccepted) {
  for (const auto address : {INADDR_LOOPBACK, INADDR_ANY}) {
    const Door door(address);
    Bouncer bouncer;
    bouncer.watch(door.listener());
    EXPECT_TRUE(door.is_open());
    EXPECT_TRUE(bouncer.show_out(door.accepted()));
    EXPECT_FALSE(door.is_open());
  }
}

TEST(Bouncer, EndsNobodyElseWhoHasComeToTheDescriptor) {
  const Door door;
  Bouncer bouncer;
  bouncer.watch(door.listener());
  const auto own = peer_address(door.accepted());
  EXPECT_EQ(bouncer.show_out(door.accepted(), {"127.0.0.1", "1"}), std::nullopt);
  EXPECT_TRUE(door.is_open());
  EXPECT_EQ(bouncer.show_out(door.accepted(), own), own);
  EXPECT_FALSE(door.is_open());
}

TEST(Bouncer, LeavesAloneWhatHasBecomeAnother) {
  const Door door, another;
  Bouncer bouncer;
  bouncer.watch(door.listener());
  for (const int descriptor :
       {another.accepted(), another.client(), door.client(), STDERR_FILENO, -1, 100'000}) {
    EXPECT_FALSE(bouncer.show_out(descriptor));
    EXPECT_TRUE(another.is_open()) << descriptor;
    EXPECT_TRUE(door.is_open()) << descriptor;
  }
}

TEST(Bouncer, TurnsAwayWhoWaitsWhereNobodyElseCanAccept) {
  const Door door;
  Bouncer bouncer;
  bouncer.watch(door.listener());
  EXPECT_FALSE(bouncer.turn_away_one()) << "nobody waits";
  const int waiting = door.knock();
  {
    const NoneLeft none_left;
    EXPECT_LT(::accept(door.listener(), nullptr, nullptr), 0);
    const auto peer = bouncer.turn_away_one();
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->host, "127.0.0.1");
    EXPECT_FALSE(bouncer.turn_away_one());
  }
  char byte = 0;
  EXPECT_EQ(::recv(waiting, &byte, 1, 0), 0) << "its connection was not ended";
  ::close(waiting);
  bouncer.show_out(door.accepted());
  EXPECT_FALSE(door.is_open()) << "there is no descriptor left to do so";
}

/// As libzmq's I/O thread does, which accepts whoever waits as soon as a descriptor is free.
TEST(Bouncer, CanStillEndAConnectionThoughAnotherThreadTakesWhatItMakesRoomWith) {
  const Door door;
  Bouncer bouncer;
  bouncer.watch(door.listener());
  const int waiting = ::socket(AF_INET, SOCK_STREAM, 0);
  const NoneLeft none_left;
  std::atomic<int> taken = -1;
  std::thread other([&] {
    while ((taken = ::dup(STDERR_FILENO)) < 0) {
    }
  });
  while (taken < 0) EXPECT_EQ(bouncer.turn_away_one(), std::nullopt) << "nobody waits";
  other.join();
  EXPECT_EQ(bouncer.turn_away_one(), std::nullopt);
  EXPECT_TRUE(bouncer.show_out(door.accepted())) << "there is no descriptor left to do so";
  EXPECT_FALSE(door.is_open());
  door.knock(waiting);
  EXPECT_EQ(bouncer.turn_away_one(), std::nullopt) << "there is no descriptor left to do so";
  ::close(taken);
  EXPECT_TRUE(bouncer.turn_away_one());
  char byte = 0;
  EXPECT_EQ(::recv(waiting, &byte, 1, 0), 0) << "its connection was not ended";
  ::close(waiting);
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
