#include "bridge/config/curve_key.hpp"
#include "bridge/publish/publisher.hpp"
#include "tests/support/deadline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zmq.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

/// A publisher whose public endpoint has CURVE and admits `friend_`, with the thread at its door.
class Door : public testing::Test {
 protected:
  /// A consumer that tries once.
  zmq::socket_t client(const CurveKey& own) {
    zmq::socket_t socket(context_, zmq::socket_type::sub);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::reconnect_ivl, -1);
    socket.set(zmq::sockopt::curve_serverkey, server_.public_key());
    socket.set(zmq::sockopt::curve_publickey, own.public_key());
    socket.set(zmq::sockopt::curve_secretkey, own.secret_key());
    socket.set(zmq::sockopt::subscribe, "");
    socket.connect(publisher_.endpoints(Audience::everyone).front());
    return socket;
  }

  /// Publishes until `holds`; false where it does not come to.
  bool publish_until(const std::function<bool()>& holds) {
    return test::comes_true(
        [&] {
          if (holds()) return true;
          publisher_.publish(Audience::everyone, "trade.A", "{}", {});
          publisher_.drain_requests(ignored_);
          return false;
        },
        1ms);
  }

  bool hears(zmq::socket_t& socket) {
    return publish_until([&] {
      zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
      return zmq::poll(&item, 1, 0ms) > 0;
    });
  }

  bool refuses(std::uint64_t count) {
    return publish_until([&] { return measurements_.everyone.auth_failures.value() == count; });
  }

  struct : SubscriptionReceiver {
    bool on_subscription(const Subscription&) override { return false; }
  } ignored_;

  std::uint64_t peers() const { return measurements_.everyone.peers.value(); }

  CurveKey server_ = CurveKey::generate();
  CurveKey friend_ = CurveKey::generate();
  CurveKey stranger_ = CurveKey::generate();
  Log log_{{.sink = [](LogLevel, std::string_view) {}}};
  Measurements measurements_{{"trade.A"}};
  Publisher publisher_{
      {.public_bind = {"tcp://127.0.0.1:0"},
       .private_bind = {},
       .public_curve = Publisher::Curve{server_.secret_key(), Admission({friend_.public_key()})},
       .private_curve = {},
       .linger = 0ms},
      measurements_,
      log_};
  zmq::context_t context_{1};
};

TEST_F(Door, OpensToWhomTheListOfTheMomentNames) {
  auto admitted = client(friend_);
  ASSERT_TRUE(hears(admitted));
  for (std::uint64_t turn = 1; turn <= 10; ++turn) {
    const bool is_for_friend = turn % 2 == 0;
    const auto& listed = is_for_friend ? friend_ : stranger_;
    const auto& other = is_for_friend ? stranger_ : friend_;
    publisher_.admit(Audience::everyone, Admission({listed.public_key()}));
    auto refused = client(other);
    ASSERT_TRUE(refuses(turn));
    auto newcomer = client(listed);
    ASSERT_TRUE(hears(newcomer)) << "turn " << turn;
    zmq::pollitem_t item{refused.handle(), 0, ZMQ_POLLIN, 0};
    ASSERT_EQ(zmq::poll(&item, 1, 0ms), 0) << "turn " << turn;
    zmq::message_t frame;
    while (admitted.recv(frame, zmq::recv_flags::dontwait)) {
    }
    ASSERT_TRUE(hears(admitted)) << "whoever is in stays in";
  }
}

TEST_F(Door, KnowsHowManyAreInAndMissesNobodyInACrowd) {
  constexpr std::size_t kClients = 20;
  {
    std::vector<zmq::socket_t> crowd;
    for (std::size_t i = 0; i < kClients; ++i) crowd.push_back(client(i % 2 ? friend_ : stranger_));
    EXPECT_TRUE(refuses(kClients / 2));
    EXPECT_TRUE(publish_until([&] { return peers() == kClients / 2; })) << peers();
  }
  EXPECT_TRUE(publish_until([&] { return peers() == 0; })) << peers();
  EXPECT_EQ(measurements_.everyone.auth_failures.value(), kClients / 2);
}

TEST_F(Door, IsShutInOrderWhileClientsStillCome) {
  std::vector<zmq::socket_t> crowd;
  for (int i = 0; i < 20; ++i) crowd.push_back(client(i % 2 ? friend_ : stranger_));
  publisher_.close().wait();
  EXPECT_LE(measurements_.everyone.auth_failures.value(), 10U);
}

}  // namespace
}  // namespace bpx::bridge
