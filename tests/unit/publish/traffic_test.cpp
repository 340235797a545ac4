#include "bridge/publish/traffic.hpp"

#include <gtest/gtest.h>

#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

TEST(Traffic, IsSilentWhereItIsLessThanTheShortestGreeting) {
  EXPECT_TRUE((Traffic{.received = 0, .taken = 10}.is_silent()));
  EXPECT_TRUE((Traffic{.received = 13, .taken = 10}.is_silent()));
  EXPECT_FALSE((Traffic{.received = 14, .taken = 14}.is_silent())) << "a peer of ZMTP 2";
  EXPECT_FALSE((Traffic{.received = 0, .taken = 0}.is_silent())) << "the system counts nothing";
}

TEST(Traffic, HoldsNoMessageWhereItIsNotMoreThanAHandshake) {
  EXPECT_TRUE((Traffic{.received = 91, .taken = 92}.is_without_messages(false)));
  EXPECT_FALSE((Traffic{.received = 17, .taken = 14 + 54 + 25}.is_without_messages(false)));
}

TEST(Traffic, HoldsNoMessageWhereACurveHandshakeIsNotOver) {
  EXPECT_TRUE((Traffic{.received = 64 + 202, .taken = 64 + 170}.is_without_messages(true)));
  EXPECT_TRUE((Traffic{.received = 600, .taken = 64 + 170 + 52}.is_without_messages(true)));
  EXPECT_FALSE((Traffic{.received = 600, .taken = 64 + 170 + 52 + 130}.is_without_messages(true)));
}

TEST(Traffic, IsThatOfATcpConnection) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(listen(listener, 1), 0);  // at a port of the system's choice
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(getsockname(listener, generic, &size), 0);
  ASSERT_EQ(connect(client, generic, size), 0);
  const int accepted = accept(listener, nullptr, nullptr);
  std::string bytes(92, 'x');
  ASSERT_EQ(send(accepted, bytes.data(), 92, 0), 92);
  ASSERT_EQ(recv(client, bytes.data(), 92, MSG_WAITALL), 92);
  ASSERT_EQ(send(client, bytes.data(), 14, 0), 14);
  ASSERT_EQ(recv(accepted, bytes.data(), 14, MSG_WAITALL), 14);  // with the word of what was taken
  const auto traffic = traffic_of(accepted);
  ASSERT_TRUE(traffic);
  EXPECT_EQ(traffic->received, 14U);
  EXPECT_EQ(traffic->taken, 92U);
  for (const int descriptor : {accepted, client, listener}) close(descriptor);
}

TEST(Traffic, IsUnknownOfWhatIsNoTcpConnection) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_FALSE(traffic_of(ends[0]));
  EXPECT_FALSE(traffic_of(-1));
  for (const int end : ends) close(end);
}

}  // namespace
}  // namespace bpx::bridge
