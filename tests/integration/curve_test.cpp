#include "bridge/config/curve_key.hpp"
#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using bridge::CurveKey;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;

constexpr auto kPublicFailures = R"(auth_failures_total{endpoint="public"})";
constexpr auto kPrivateFailures = R"(auth_failures_total{endpoint="private"})";

/// By what a client comes to an endpoint.
using Manner = std::function<void(zmq::socket_t&)>;

Manner with_curve(const CurveKey& own, const CurveKey& server) {
  return [&](zmq::socket_t& socket) {
    socket.set(zmq::sockopt::curve_serverkey, server.public_key());
    socket.set(zmq::sockopt::curve_publickey, own.public_key());
    socket.set(zmq::sockopt::curve_secretkey, own.secret_key());
  };
}

void with_nothing(zmq::socket_t&) {}

void with_password(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::plain_username, "consumer");
  socket.set(zmq::sockopt::plain_password, "password");
}

/// A consumer of everything, which hears a heartbeat soon if it is let in.
class Client {
 public:
  Client(const std::string& endpoint, const Manner& manner) {
    manner(socket_);
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::subscribe, "");
    socket_.set(zmq::sockopt::reconnect_ivl, -1);  // one attempt
    socket_.connect(endpoint);
  }

  /// Whether a message comes whose topic begins with `topic`.
  bool hears(std::string_view topic, std::chrono::milliseconds deadline = kDeadline) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
      if (zmq::poll(&item, 1, std::max(0ms, left)) == 0) return false;
      zmq::message_t first, further;
      if (!socket_.recv(first)) return false;
      for (bool more = first.more(); more; more = further.more())
        if (!socket_.recv(further)) return false;
      if (first.to_string_view().starts_with(topic)) return true;
    }
  }

  bool hears_anything_waiting() { return hears("", 0ms); }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::sub};
};

/// A bridge whose endpoints have CURVE, with a server key each: the public one admits `reader`, the
/// private one `owner`.
class Curve : public testing::Test {
 protected:
  std::string key_file(const std::string& name, const CurveKey& key) const {
    auto path = directory_.write(
        name, "public_key " + key.public_key() + "\nsecret_key " + key.secret_key() + '\n');
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }

  bridge::Config config() const {
    auto config = test_config(exchange_, directory_, {"trade.A", "account.orderUpdate"});
    config.publish.public_.curve = {key_file("public.key", public_server_), {reader_.public_key()}};
    config.publish.private_.curve = {key_file("private.key", private_server_),
                                     {owner_.public_key()}};
    return config;
  }

  /// Nothing in the log tells a secret.
  static void expect_no_secret(const RunningBridge& bridge,
                               std::initializer_list<const CurveKey*> keys) {
    for (const auto* key : keys) EXPECT_THAT(bridge.log(), Not(HasSubstr(key->secret_key())));
  }

  SimulatedExchange exchange_{ExchangeOptions{}};
  TemporaryDirectory directory_;
  CurveKey public_server_ = CurveKey::generate();
  CurveKey private_server_ = CurveKey::generate();
  CurveKey reader_ = CurveKey::generate();
  CurveKey owner_ = CurveKey::generate();
  CurveKey stranger_ = CurveKey::generate();
};

TEST_F(Curve, CarriesEachAudienceItsStreamsEncrypted) {
  RunningBridge bridge(config());
  Client reader(bridge.public_endpoint(), with_curve(reader_, public_server_));
  Client owner(bridge.private_endpoint(), with_curve(owner_, private_server_));
  ASSERT_TRUE(reader.hears("bridge.status")) << bridge.log();
  ASSERT_TRUE(owner.hears("bridge.status")) << bridge.log();
  ASSERT_TRUE(exchange_.wait_for_subscriptions(2));
  exchange_.publish("trade.A", "{}");
  exchange_.publish("account.orderUpdate", "{}");
  EXPECT_TRUE(reader.hears("trade.A"));
  EXPECT_TRUE(owner.hears("account.orderUpdate"));
  EXPECT_EQ(bridge.metric(kPublicFailures), 0);
  EXPECT_EQ(bridge.metric(kPrivateFailures), 0);
  EXPECT_TRUE(bridge.wait_for_metric(R"(subscribers{endpoint="public"})", 1));
}

TEST_F(Curve, TellsItsPublicKeysAtTheStart) {
  RunningBridge bridge(config());
  ASSERT_TRUE(bridge.wait_for_log("encrypting endpoint=private")) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("encrypting endpoint=public"));
  EXPECT_THAT(bridge.log(), HasSubstr(public_server_.public_key()));
  EXPECT_THAT(bridge.log(), HasSubstr(private_server_.public_key()));
  expect_no_secret(bridge, {&public_server_, &private_server_});
}

TEST_F(Curve, RefusesAKeyThatIsNotListedAndTellsWhoseItWas) {
  RunningBridge bridge(config());
  Client stranger(bridge.private_endpoint(), with_curve(stranger_, private_server_));
  EXPECT_TRUE(bridge.wait_for_metric(kPrivateFailures, 1)) << bridge.log();
  EXPECT_TRUE(
      bridge.wait_for_log("refused endpoint=private address=127.0.0.1 reason=unknown_key key="))
      << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr(stranger_.public_key()));
  EXPECT_FALSE(stranger.hears_anything_waiting());
  EXPECT_EQ(bridge.metric(kPublicFailures), 0);
}

TEST_F(Curve, AsksAtEachEndpointForItsOwnList) {
  RunningBridge bridge(config());
  Client owner(bridge.public_endpoint(), with_curve(owner_, public_server_));
  EXPECT_TRUE(bridge.wait_for_metric(kPublicFailures, 1)) << bridge.log();
  Client reader(bridge.private_endpoint(), with_curve(reader_, private_server_));
  EXPECT_TRUE(bridge.wait_for_metric(kPrivateFailures, 1)) << bridge.log();
  EXPECT_FALSE(owner.hears_anything_waiting());
  EXPECT_FALSE(reader.hears_anything_waiting());
}

struct Stranger {
  std::string name;
  Manner manner;
  std::string reason;
};

void PrintTo(const Stranger& stranger, std::ostream* os) { *os << stranger.name; }

class CurveAgainst : public Curve, public testing::WithParamInterface<Stranger> {};

// It never gets as far as showing a key, and no question is asked about it. Where it sees before
// the bridge that they have no security in common, and leaves, why it left is not known.
TEST_P(CurveAgainst, IsCountedOnceAndHearsNothing) {
  RunningBridge bridge(config());
  Client stranger(bridge.private_endpoint(), GetParam().manner);
  EXPECT_TRUE(bridge.wait_for_metric(R"(handshake_failures_total{endpoint="private"})", 1))
      << bridge.log();
  if (bridge.metric(kPrivateFailures) > 0) {
    EXPECT_TRUE(bridge.wait_for_log("reason=" + GetParam().reason)) << bridge.log();
  }
  EXPECT_FALSE(stranger.hears_anything_waiting());
  EXPECT_TRUE(bridge.wait_for_metric(R"(subscribers{endpoint="private"})", 0));
  EXPECT_LE(bridge.metric(kPrivateFailures), 1);
  EXPECT_EQ(bridge.metric(kPublicFailures), 0);
}

// Over loopback an attempt may be over before anybody can look where it came from.
TEST_P(CurveAgainst, IsLoggedWithItsAddress) {
  RunningBridge bridge(config());
  const auto line =
      "refused endpoint=private address=127.0.0.1 reason=" + GetParam().reason + " key=\"\" count=";
  EXPECT_TRUE(comes_true([&] {
    const Client stranger(bridge.private_endpoint(), GetParam().manner);
    return bridge.wait_for_log(line, 50ms);
  })) << bridge.log();
}

INSTANTIATE_TEST_SUITE_P(AClientWith, CurveAgainst,
                         testing::Values(Stranger{"NoSecurity", with_nothing, "no_curve"},
                                         Stranger{"APassword", with_password, "no_curve"},
                                         Stranger{"AnotherServersKey",
                                                  [](zmq::socket_t& socket) {
                                                    const auto own = CurveKey::generate();
                                                    const auto other = CurveKey::generate();
                                                    with_curve(own, other)(socket);
                                                  },
                                                  "server_key"}),
                         [](const auto& stranger) { return stranger.param.name; });

TEST_F(Curve, CountsNobodyWhoGoesBeforeTheHandshakeIsOver) {
  RunningBridge bridge(config());
  {
    zmq::context_t context;
    zmq::socket_t raw(context, zmq::socket_type::stream);
    raw.set(zmq::sockopt::linger, 0);
    raw.connect(bridge.private_endpoint());
    EXPECT_TRUE(bridge.wait_for_metric(R"(subscribers{endpoint="private"})", 1)) << bridge.log();
  }
  EXPECT_TRUE(bridge.wait_for_metric(R"(subscribers{endpoint="private"})", 0)) << bridge.log();
  EXPECT_EQ(bridge.metric(kPrivateFailures), 0);
}

TEST_F(Curve, AdmitsWhoeverKnowsTheServerWhereAnyClientIsAllowed) {
  auto open = config();
  open.publish.public_.curve.allow = {"*"};
  RunningBridge bridge(open);
  Client anybody(bridge.public_endpoint(), with_curve(stranger_, public_server_));
  EXPECT_TRUE(anybody.hears("bridge.status")) << bridge.log();
  Client wrong(bridge.public_endpoint(), with_curve(stranger_, private_server_));
  EXPECT_TRUE(bridge.wait_for_metric(kPublicFailures, 1)) << bridge.log();
}

TEST_F(Curve, OfOneEndpointAsksNothingOfTheOther) {
  auto half = config();
  half.publish.public_.curve = {};
  RunningBridge bridge(half);
  Client plain(bridge.public_endpoint(), with_nothing);
  EXPECT_TRUE(plain.hears("bridge.status")) << bridge.log();
  Client owner(bridge.private_endpoint(), with_curve(owner_, private_server_));
  EXPECT_TRUE(owner.hears("bridge.status")) << bridge.log();
}

TEST_F(Curve, GuardsAnIpcEndpointLikewise) {
  auto local = config();
  local.publish.private_.bind = {"ipc://" + (directory_.path() / "private").string()};
  RunningBridge bridge(local);
  Client owner(bridge.private_endpoint(), with_curve(owner_, private_server_));
  EXPECT_TRUE(owner.hears("bridge.status")) << bridge.log();
  Client stranger(bridge.private_endpoint(), with_curve(stranger_, private_server_));
  EXPECT_TRUE(bridge.wait_for_log("refused endpoint=private address=localhost:")) << bridge.log();
  EXPECT_EQ(bridge.metric(kPrivateFailures), 1);
}

TEST_F(Curve, LetsAnAdmittedConsumerGoOnWhileListsChange) {
  auto changed = config();
  RunningBridge bridge(changed);
  Client owner(bridge.private_endpoint(), with_curve(owner_, private_server_));
  ASSERT_TRUE(owner.hears("bridge.status")) << bridge.log();

  changed.publish.private_.curve.allow = {stranger_.public_key()};
  bridge.reload(changed);
  ASSERT_TRUE(bridge.wait_for_log("admitting endpoint=private clients=1")) << bridge.log();

  Client newcomer(bridge.private_endpoint(), with_curve(stranger_, private_server_));
  EXPECT_TRUE(newcomer.hears("bridge.status")) << bridge.log();

  Client owner_again(bridge.private_endpoint(), with_curve(owner_, private_server_));
  EXPECT_TRUE(bridge.wait_for_metric(kPrivateFailures, 1)) << bridge.log();
  EXPECT_FALSE(owner_again.hears_anything_waiting());

  while (owner.hears_anything_waiting()) {
  }
  ASSERT_TRUE(exchange_.wait_for_subscription("account.orderUpdate"));
  exchange_.publish("account.orderUpdate", "{}");
  EXPECT_TRUE(owner.hears("account.orderUpdate")) << "whoever is in stays in";
  EXPECT_THAT(bridge.whole_log(), Not(HasSubstr("endpoint=public clients")));
}

TEST_F(Curve, KeepsWhatIsInForceWhereTheNewConfigurationIsBroken) {
  auto broken = config();
  RunningBridge bridge(broken);
  broken.publish.private_.curve.allow = {"not a key", stranger_.public_key()};
  broken.publish.public_.curve.secret_key_file = "/nonexistent";
  bridge.reload(broken);
  ASSERT_TRUE(
      bridge.wait_for_log("publish.public.curve.secret_key_file: names a file that does not exist"))
      << bridge.log();
  EXPECT_TRUE(bridge.wait_for_log("publish.private.curve.allow[0]: is not 40 characters"))
      << bridge.log();
  EXPECT_THAT(bridge.log(), Not(HasSubstr("not a key")));
  Client stranger(bridge.private_endpoint(), with_curve(stranger_, private_server_));
  EXPECT_TRUE(bridge.wait_for_metric(kPrivateFailures, 1)) << bridge.log();
  Client owner(bridge.private_endpoint(), with_curve(owner_, private_server_));
  EXPECT_TRUE(owner.hears("bridge.status")) << bridge.log();
}

TEST_F(Curve, SaysOfEverythingElseThatItNeedsARestart) {
  auto changed = config();
  RunningBridge bridge(changed);
  const auto another = CurveKey::generate();
  changed.publish.public_.curve.secret_key_file = key_file("another.key", another);
  changed.publish.private_.curve.secret_key_file = key_file("same.key", private_server_);
  changed.publish.public_.curve.allow = {"*"};
  changed.publish.heartbeat_ms = 30;
  bridge.reload(changed);
  ASSERT_TRUE(bridge.wait_for_log("reloaded")) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_log("needs a restart key=publish.heartbeat_ms")) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_log("needs a restart key=publish.public.curve.secret_key_file"))
      << bridge.log();
  EXPECT_THAT(bridge.log(), Not(HasSubstr("key=publish.private")))
      << "another file with the same key is the same key";
  expect_no_secret(bridge, {&another, &public_server_, &private_server_});

  Client with_old_key(bridge.public_endpoint(), with_curve(stranger_, public_server_));
  EXPECT_TRUE(with_old_key.hears("bridge.status")) << bridge.log();
}

}  // namespace
}  // namespace bpx::test
