#include "bridge/publish/publisher.hpp"

#include "bridge/bind_mend.hpp"
#include "bridge/publish/ipc_path.hpp"
#include "bridge/publish/scoped_umask.hpp"
#include "bridge/startup_error.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zmq.hpp>

#include <array>
#include <cerrno>
#include <filesystem>
#include <future>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

class BoundPublisher {
 public:
  explicit BoundPublisher(const std::string& endpoint)
      : BoundPublisher(Publisher::Options{.public_bind = {endpoint}, .private_bind = {}}) {}
  explicit BoundPublisher(const Publisher::Options& options)
      : publisher_(options, measurements_, log_) {}

  Publisher* operator->() { return &publisher_; }
  std::uint64_t peers() const { return measurements_.everyone.peers.value(); }
  std::uint64_t departures() const { return measurements_.everyone.departures.value(); }
  std::string endpoint() const { return publisher_.endpoints(Audience::everyone).front(); }

 private:
  Log log_{{.level = LogLevel::error, .format = {}, .sink = [](LogLevel, std::string_view) {}}};
  Measurements measurements_{{}};
  Publisher publisher_;
};

/// Why `endpoint` cannot be bound; empty where it can.
std::string refusal_of(const std::string& endpoint) try {
  const BoundPublisher publisher(endpoint);
  return {};
} catch (const StartupError& error) {
  return error.what();
}

class IpcEndpoint : public testing::Test {
 protected:
  static int permissions_of(const std::filesystem::path& path) {
    return static_cast<int>(std::filesystem::status(path).permissions());
  }

  test::TemporaryDirectory directory_;
  std::string path_ = directory_.path() / "bridge.sock";
  std::string endpoint_ = "ipc://" + path_;
};

TEST_F(IpcEndpoint, ThatAnotherHoldsIsRefusedAndStaysTheOthers) {
  BoundPublisher first(endpoint_);
  EXPECT_THAT(refusal_of(endpoint_), HasSubstr("publish.public.bind: cannot bind " + endpoint_ +
                                               ": Address already in use; "));
  zmq::context_t context{1};
  zmq::socket_t consumer(context, zmq::socket_type::sub);
  consumer.set(zmq::sockopt::linger, 0);
  consumer.set(zmq::sockopt::rcvtimeo, 20);
  consumer.set(zmq::sockopt::subscribe, "");
  consumer.connect(endpoint_);
  zmq::message_t topic;
  EXPECT_TRUE(test::comes_true([&] {
    first->publish(Audience::everyone, "trade.A", "{}", {});
    return consumer.recv(topic).has_value();
  }));
  EXPECT_EQ(topic.to_string_view(), "trade.A") << "the first bridge lost its path";
}

TEST_F(IpcEndpoint, WhereAFileStandsIsRefusedAndTheFileKept) {
  directory_.write("bridge.sock", "precious");
  EXPECT_THAT(refusal_of(endpoint_), HasSubstr("no socket"));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(IpcEndpoint, WhereALinkStandsIsRefusedWhereverItLeads) {
  directory_.write("precious", "precious");
  for (const auto* to : {"precious", "nowhere"}) {
    std::filesystem::create_symlink(directory_.path() / to, path_);
    EXPECT_THAT(refusal_of(endpoint_), HasSubstr("no socket")) << to;
    EXPECT_TRUE(std::filesystem::is_symlink(path_)) << to;
    std::filesystem::remove(path_);
  }
  EXPECT_EQ(std::filesystem::file_size(directory_.path() / "precious"), 8U);
}

TEST_F(IpcEndpoint, SpelledInTwoWaysIsNotBoundTwice) {
  const auto again = "ipc://" + directory_.path().string() + "/./bridge.sock";
  Log log({.level = LogLevel::error, .format = {}, .sink = [](LogLevel, std::string_view) {}});
  Measurements measurements({});
  EXPECT_THROW(Publisher({.public_bind = {endpoint_}, .private_bind = {again}}, measurements, log),
               StartupError);
}

TEST_F(IpcEndpoint, WhoseFileIsLostSaysSoOnce) {
  const BoundPublisher publisher(endpoint_);
  auto file = SocketFile::of(endpoint_);
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->loss());
  std::filesystem::rename(path_, path_ + ".moved");
  EXPECT_THAT(file->loss().value_or(""), HasSubstr("removed"));
  EXPECT_FALSE(file->loss());

  auto replaced = SocketFile::of(endpoint_ + ".moved");
  ASSERT_TRUE(replaced);
  std::filesystem::rename(directory_.write("file", ""), path_ + ".moved");
  EXPECT_THAT(replaced->loss().value_or(""), HasSubstr("something else"));
}

TEST_F(IpcEndpoint, WithoutAFileOfItsOwnHasNoneToLose) {
  const BoundPublisher abstract("ipc://@" + path_);
  for (const auto& endpoint : {abstract.endpoint(), std::string("tcp://127.0.0.1:5555")})
    EXPECT_FALSE(SocketFile::of(endpoint)) << endpoint;
}

TEST_F(IpcEndpoint, ThatAProgramLeftBehindWhenItDiedIsTakenOver) {
  const int abandoned = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(abandoned, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(abandoned);
  ASSERT_TRUE(std::filesystem::is_socket(path_));
  EXPECT_EQ(refusal_of(endpoint_), "");
}

TEST_F(IpcEndpoint, WithoutAPathIsNotLookedForAmongTheFiles) {
  EXPECT_EQ(refusal_of("ipc://@" + path_), "");
  EXPECT_EQ(refusal_of("ipc://*"), "");
}

TEST_F(IpcEndpoint, IsForEveryUserWherePublicAndForNoMoreThanTheUmasksGroupWherePrivate) {
  for (const auto& [mask, private_permissions] :
       {std::pair{0000U, 0770}, {0007U, 0770}, {0022U, 0750}, {0077U, 0700}}) {
    const auto public_path = directory_.path() / "public";
    const auto private_path = directory_.path() / "private";
    const ScopedUmask started_with(mask);
    const BoundPublisher publisher(
        Publisher::Options{.public_bind = {"ipc://" + public_path.string()},
                           .private_bind = {"ipc://" + private_path.string()}});
    EXPECT_EQ(permissions_of(public_path), 0777) << std::oct << mask;
    EXPECT_EQ(permissions_of(private_path), private_permissions) << std::oct << mask;
    EXPECT_EQ(umask(mask), mask) << "the process's umask was left changed";
  }
}

TEST(BindMend, IsAnotherForEachCause) {
  const std::set<std::string_view> mends = {
      bind_mend(EADDRINUSE),   bind_mend(EACCES),       bind_mend(EADDRNOTAVAIL), bind_mend(ENOENT),
      bind_mend(ENAMETOOLONG), bind_mend(EAFNOSUPPORT), bind_mend(EMFILE),        bind_mend(EIO)};
  EXPECT_EQ(mends.size(), 8U);
  EXPECT_EQ(bind_mend(EROFS), bind_mend(EACCES));
}

/// Of one end of a connection; 0 where it has none.
template <auto EndOf>
in_port_t port_of(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  return EndOf(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? address.sin_port
                                                                              : in_port_t{0};
}

/// A consumer that speaks just enough ZMTP 3.1 to be let in, and hardly a word more.
class MuteConsumer {
 public:
  explicit MuteConsumer(const std::string& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port =
        htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
    const timeval deadline{.tv_sec = test::kDeadline.count(), .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    std::string greeting("\xff\0\0\0\0\0\0\0\0\x7f\3\1NULL", 16);
    greeting.resize(64);
    say(greeting);
    hear(greeting.size());
    say(std::string("\4\x19\5READY\x0bSocket-Type\0\0\0\3SUB", 27));
  }
  MuteConsumer(const MuteConsumer&) = delete;
  MuteConsumer& operator=(const MuteConsumer&) = delete;
  ~MuteConsumer() { close(socket_); }

  /// The one thing that it may want.
  void subscribe(std::string_view topic) {
    const auto length = static_cast<char>(topic.size() + 1);
    say(std::string("\0", 1) + length + '\1' + std::string(topic));
  }

  in_port_t port() const { return port_of<getsockname>(socket_); }

 private:
  void hear(std::size_t count) {
    std::string bytes(count, '\0');
    EXPECT_EQ(recv(socket_, bytes.data(), count, MSG_WAITALL), static_cast<ssize_t>(count));
  }

  void say(std::string_view bytes) {
    EXPECT_EQ(send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

/// The accepted end, in this process, of the connection whose other end is `client`'s.
int accepted_end_of(const MuteConsumer& client) {
  for (int descriptor = 3; descriptor < 1024; ++descriptor)
    if (const auto port = port_of<getpeername>(descriptor); port != 0 && port == client.port())
      return descriptor;
  return -1;
}

template <typename T>
T option_of(int descriptor, int level, int name) {
  T value{};
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(descriptor, level, name, &value, &size), 0);
  return value;
}

TEST(Publisher, NoticesByTcpAloneThatAConsumerHasVanished) {
  const BoundPublisher publisher("tcp://127.0.0.1:*");
  const MuteConsumer consumer(publisher.endpoint());
  const auto accepted = accepted_end_of(consumer);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(option_of<int>(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option_of<int>(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 10);
  EXPECT_EQ(option_of<int>(accepted, IPPROTO_TCP, TCP_KEEPINTVL), 10);
  EXPECT_EQ(option_of<int>(accepted, IPPROTO_TCP, TCP_KEEPCNT), 3);
  EXPECT_EQ(option_of<unsigned>(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT), 0U)
      << "it would end who pauses";
}

struct FirstSubscription final : SubscriptionReceiver {
  bool on_subscription(const Subscription&) override {
    has_come = true;
    return false;
  }
  bool has_come = false;
};

/// A publisher with more to send than anybody takes in: its consumer reads nothing yet.
class ClosingPublisher : public testing::Test {
 protected:
  static constexpr std::size_t kMessages = 32;

  void fill_queue(std::chrono::milliseconds linger) {
    publisher_.emplace(Publisher::Options{
        .public_bind = {"tcp://127.0.0.1:*"}, .private_bind = {}, .linger = linger});
    consumer_.set(zmq::sockopt::linger, 0);
    consumer_.set(zmq::sockopt::rcvhwm, 1);
    consumer_.set(zmq::sockopt::rcvbuf, 4096);
    consumer_.set(zmq::sockopt::subscribe, "");
    consumer_.connect((*publisher_)->endpoints(Audience::everyone).front());
    FirstSubscription subscription;
    EXPECT_TRUE(test::comes_true([&] {
      (*publisher_)->drain_requests(subscription);
      return subscription.has_come;
    }));
    const std::string payload(1 << 20, 'x');  // more of them than the kernel takes in
    for (std::size_t i = 0; i < kMessages; ++i)
      (*publisher_)->publish(Audience::everyone, "trade.A", payload, {});
  }

  /// Begins to close; ready once that is over.
  std::future<void> close(std::chrono::milliseconds linger) {
    fill_queue(linger);
    return (*publisher_)->close();
  }

  std::optional<BoundPublisher> publisher_;
  zmq::context_t context_{1};
  zmq::socket_t consumer_{context_, zmq::socket_type::sub};
};

TEST_F(ClosingPublisher, GoesOnSendingForAsLongAsItMayLinger) {
  const auto closed = close(1h);
  consumer_.set(zmq::sockopt::rcvtimeo,
                static_cast<int>(std::chrono::milliseconds(test::kDeadline).count()));
  std::size_t received = 0;
  zmq::message_t frame;
  while (received < kMessages && consumer_.recv(frame))
    if (!frame.more()) ++received;
  EXPECT_EQ(received, kMessages);
  EXPECT_EQ(closed.wait_for(test::kDeadline), std::future_status::ready);
  consumer_.close();
}

TEST_F(ClosingPublisher, DoesNotWaitForWhoeverHasLeft) {
  fill_queue(1h);
  consumer_.close();
  ASSERT_TRUE(test::comes_true([&] { return publisher_->departures() == 1; }));
  EXPECT_EQ((*publisher_)->close().wait_for(test::kDeadline), std::future_status::ready);
}

TEST_F(ClosingPublisher, GivesUpWhatNobodyTakesInThatTime) {
  const auto closed = close(100ms);
  EXPECT_EQ(closed.wait_for(test::kDeadline), std::future_status::ready);
  consumer_.close();
}

/// What begins and what ends, in words.
struct Told final : SubscriptionReceiver {
  bool on_subscription(const Subscription& subscription) override {
    if (subscription.caller.is_known())
      words.push_back((subscription.begins ? "+" : "-") + std::string(subscription.topic));
    return false;
  }
  std::vector<std::string> words;
};

TEST(Publisher, TellsThatAConsumerHasLeftThoughASilentOneTookItsDescriptor) {
  BoundPublisher publisher("tcp://127.0.0.1:*");
  Told told;
  const auto drain_until = [&](const auto& holds) {
    return test::comes_true(
        [&] {
          publisher->drain_requests(told);
          return holds();
        },
        1ms);
  };
  const auto are_there = [&](std::uint64_t count) {
    return drain_until([&] { return publisher.peers() == count; });
  };
  MuteConsumer stays(publisher.endpoint());
  stays.subscribe("trade.B");
  auto leaves = std::make_optional<MuteConsumer>(publisher.endpoint());
  leaves->subscribe("trade.A");
  ASSERT_TRUE(drain_until([&] { return told.words.size() == 2; }));
  ASSERT_TRUE(are_there(2));
  leaves.reset();
  ASSERT_TRUE(are_there(1));
  // The lowest descriptors are those that have just been closed: the consumer's goes to the
  // newcomer, the bridge's to the bridge.
  const MuteConsumer newcomer(publisher.endpoint());
  ASSERT_TRUE(are_there(2));
  EXPECT_TRUE(drain_until([&] { return told.words.size() == 3; }));
  EXPECT_THAT(told.words, UnorderedElementsAre("+trade.A", "+trade.B", "-trade.A"));
}

}  // namespace
}  // namespace bpx::bridge
