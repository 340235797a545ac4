#include "bridge/publish/peers.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

/// A connection by ipc, whose other end reads only what it is told to.
class Connection {
 public:
  Connection() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()), 0); }
  ~Connection() {
    for (const int end : ends_) close(end);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int descriptor() const { return ends_[0]; }

  void fill() const {
    const std::string bytes(4'096, 'x');
    while (send(ends_[0], bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
    }
  }
  void drain() const {
    std::string bytes(1 << 20, '\0');
    while (recv(ends_[1], bytes.data(), bytes.size(), 0) > 0) {
    }
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(Peers, AreBehindWhereTheSystemTakesNothingMoreForThem) {
  const Connection quick, slow, slower;
  Peers peers;
  for (const auto* connection : {&quick, &slow, &slower}) peers.arrived(connection->descriptor());
  peers.look(0);
  EXPECT_FALSE(peers.furthest_behind());
  slower.fill();
  peers.look(1'000);
  slow.fill();
  peers.look(2'000);
  EXPECT_EQ(peers.furthest_behind(), slower.descriptor());
  EXPECT_EQ(peers.count_behind(), 2U);
  EXPECT_GT(peers.all().at(slow.descriptor()).unsent, 0U);
  EXPECT_EQ(peers.all().at(quick.descriptor()).unsent, 0U);
  slower.drain();
  peers.look(3'000);
  EXPECT_EQ(peers.furthest_behind(), slow.descriptor());
}

TEST(Peers, ThatHaveToGoAreBehindNoMore) {
  const Connection slow;
  Peers peers;
  peers.arrived(slow.descriptor());
  slow.fill();
  peers.look(0);
  peers.look(1'000);
  ASSERT_EQ(peers.furthest_behind(), slow.descriptor());
  peers.gives_up(slow.descriptor());
  EXPECT_FALSE(peers.furthest_behind());
  peers.look(2'000);
  EXPECT_FALSE(peers.furthest_behind());
}

TEST(Peers, AreKnownByWhereTheyComeFrom) {
  const Connection connection;
  Peers peers;
  peers.identify(connection.descriptor());  // who has left already
  EXPECT_FALSE(peers.left(connection.descriptor()));
  peers.arrived(connection.descriptor());
  EXPECT_EQ(peers.all().at(connection.descriptor()).address.text(), "unknown");
  peers.identify(connection.descriptor());
  const auto gone = peers.left(connection.descriptor());
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->address.text(), "localhost:" + std::to_string(getuid()) + ':' +
                                      std::to_string(getgid()) + ':' + std::to_string(getpid()));
}

TEST(PeerAddress, IsWrittenAsOneWritesIt) {
  EXPECT_EQ((PeerAddress{"127.0.0.1", "5555"}.text()), "127.0.0.1:5555");
  EXPECT_EQ((PeerAddress{"::1", "5555"}.text()), "[::1]:5555");
  EXPECT_EQ(PeerAddress().text(), "unknown");
}

}  // namespace
}  // namespace bpx::bridge
