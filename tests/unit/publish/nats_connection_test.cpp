#include "bridge/publish/nats_connection.hpp"

#include "tests/support/deadline.hpp"
#include "tests/support/loopback_listener.hpp"
#include "tests/support/scripted_names.hpp"
#include "tests/unit/publish/scripted_nats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bpx::bridge {
namespace {

using test::NatsPeer;
using test::ScriptedNats;
using testing::Each;

NatsServer at(const std::string& host, std::uint16_t port, bool is_tls = false) {
  return {.url = {}, .host = host, .port = port, .is_tls = is_tls};
}

/// Longer than any test: what ends does so for another reason.
NatsPatience patience(std::function<bool()> is_over = [] { return false; }) {
  return {std::chrono::hours(1), std::move(is_over)};
}

class NatsConnectionTest : public testing::Test {
 protected:
  NatsConnection::OrFault open(const NatsServer& server, const NatsPatience& patience) {
    return NatsConnection::open(server, {}, look_up_, patience);
  }

  std::unique_ptr<NatsConnection> connect(const ScriptedNats& server) {
    auto opened = open(at("127.0.0.1", server.port()), patience());
    if (const auto* fault = std::get_if<NatsFault>(&opened)) throw std::runtime_error(fault->cause);
    return std::get<std::unique_ptr<NatsConnection>>(std::move(opened));
  }

  std::string fault_of(const NatsServer& server, const NatsPatience& patience) {
    const auto opened = open(server, patience);
    const auto* fault = std::get_if<NatsFault>(&opened);
    return fault != nullptr ? fault->cause : "";
  }

  test::ScriptedNames names_;
  NatsLookUp look_up_;
};

TEST_F(NatsConnectionTest, TakesNothingThatWasSaidInTheClearForSaidInTls) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.say("INFO {\"headers\":true}\r\nPONG\r\n");
    peer.wait_for_end();
  });
  EXPECT_EQ(fault_of(at("127.0.0.1", server.port(), true), patience()),
            "it says more than it may before TLS");
}

TEST_F(NatsConnectionTest, IsGivenUpWhereTheServerSaysNothing) {
  std::atomic<bool> is_over = false;
  const ScriptedNats server([&](NatsPeer& peer) {
    is_over = true;
    peer.wait_for_end();
  });
  EXPECT_EQ(fault_of(at("127.0.0.1", server.port()), patience([&] { return is_over.load(); })),
            "it does not answer");
}

TEST_F(NatsConnectionTest, IsGivenUpInTheMidstOfTls) {
  std::atomic<bool> is_over = false;
  const ScriptedNats server([&](NatsPeer& peer) {
    peer.say("INFO {\"headers\":true}\r\n");
    peer.hear("\x16");  // what every TLS handshake begins with
    is_over = true;
    peer.wait_for_end();
  });
  EXPECT_EQ(
      fault_of(at("127.0.0.1", server.port(), true), patience([&] { return is_over.load(); })),
      "it does not answer in TLS");
}

TEST_F(NatsConnectionTest, LeavesNoMoreThanOneLookUpBehindWhereNoNameServerAnswers) {
  names_.hang("nats.example");
  const auto soon = patience([&] { return names_.under_way("nats.example") > 0; });
  for (int attempt = 0; attempt < 3; ++attempt)
    EXPECT_EQ(fault_of(at("nats.example", 4222), soon),
              "nats.example: no name server has answered yet");
  EXPECT_EQ(names_.begun("nats.example"), 1U);
}

TEST_F(NatsConnectionTest, LooksUpAnewBesideALookUpThatMayNeverEnd) {
  look_up_ = NatsLookUp(LookUpPatience(std::chrono::seconds(0)));
  names_.hang("nats.example");
  for (std::size_t attempt = 1; attempt <= 2; ++attempt)
    fault_of(at("nats.example", 4222),
             patience([&] { return names_.begun("nats.example") == attempt; }));
  EXPECT_EQ(names_.begun("nats.example"), 2U);
}

TEST_F(NatsConnectionTest, IsWithTheFirstAddressThatAnswers) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.greet();
    peer.wait_for_end();
  });
  names_.set("nats.example", {"127.0.0.2", "127.0.0.1"});
  const auto opened = open(at("nats.example", server.port()), patience());
  EXPECT_TRUE(std::holds_alternative<std::unique_ptr<NatsConnection>>(opened));
}

TEST_F(NatsConnectionTest, BeginsWithAnotherAddressEachTurn) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.greet();
    peer.wait_for_end();
  });
  const test::LoopbackListener silent(server.port(), "127.0.0.2");
  names_.set("nats.example", {"127.0.0.2", "127.0.0.1"});
  const auto open_in_turn = [&](std::size_t turn, const NatsPatience& patience) {
    return NatsConnection::open(at("nats.example", server.port()), {}, look_up_, patience, turn);
  };
  const NatsPatience short_patience(std::chrono::milliseconds(100), [] { return false; });
  EXPECT_TRUE(std::holds_alternative<NatsFault>(open_in_turn(2, short_patience)));
  EXPECT_TRUE(std::holds_alternative<std::unique_ptr<NatsConnection>>(open_in_turn(3, patience())));
}

TEST_F(NatsConnectionTest, GetsTheAnswerToAQuestion) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.greet();
    const auto question = peer.hear_message();
    EXPECT_EQ(question.subject, "service");
    EXPECT_EQ(question.text, "{}");
    peer.say("PING\r\nMSG other 1 1\r\nx\r\n");
    peer.answer(question, "there");
    EXPECT_EQ(peer.hear("\r\n"), "PONG\r\n");
    peer.wait_for_end();
  });
  auto connection = connect(server);
  const auto answer = connection->ask("service", "{}", patience());
  EXPECT_EQ(std::get<std::string>(answer), "there");
  connection->exchange();
}

TEST_F(NatsConnectionTest, AsksNobodyForLongerThanAnybodyWantsToKnow) {
  std::atomic<bool> is_over = false;
  const ScriptedNats server([&](NatsPeer& peer) {
    peer.greet();
    peer.hear_message();
    is_over = true;
    peer.wait_for_end();
  });
  const auto answer = connect(server)->ask("service", "", patience([&] { return is_over.load(); }));
  EXPECT_EQ(std::get<NatsFault>(answer).cause, "it does not answer");
}

/// As of a thread that was kept from its work for longer. An answer takes its time: it is enough if
/// one comes soon enough.
TEST_F(NatsConnectionTest, LooksOnceMoreWherePatienceHasEnded) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.greet();
    peer.answer(peer.hear_message(), "there");
    peer.wait_for_end();
  });
  const auto last = std::chrono::steady_clock::now() + test::kDeadline;
  bool is_answered = false;
  while (!is_answered && std::chrono::steady_clock::now() < last) {
    const NatsPatience ended(std::chrono::seconds(0), [] { return false; });
    is_answered = std::holds_alternative<std::string>(connect(server)->ask("service", "", ended));
  }
  EXPECT_TRUE(is_answered);
}

TEST_F(NatsConnectionTest, SaysWhereNobodyAnswersAQuestion) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.greet();
    peer.say("HMSG " + peer.hear_message().reply + " 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
    peer.wait_for_end();
  });
  const auto answer = connect(server)->ask("service", "", patience());
  EXPECT_EQ(std::get<NatsFault>(answer).cause, "nobody answers at service");
}

TEST_F(NatsConnectionTest, SaysWhyAQuestionIsForbidden) {
  const ScriptedNats server([](NatsPeer& peer) {
    peer.greet();
    peer.hear_message();
    peer.say("-ERR 'Permissions Violation for Publish to \"service\"'\r\n");
  });  // and goes
  const auto answer = connect(server)->ask("service", "", patience());
  EXPECT_EQ(std::get<NatsFault>(answer).cause,
            "the server says 'Permissions Violation for Publish to \"service\"'");
}

TEST_F(NatsConnectionTest, AnswersManyPingsAtOnceWithOnePong) {
  constexpr std::size_t kPings = 5'000;
  std::vector<std::string> pongs;
  {
    const ScriptedNats server([&](NatsPeer& peer) {
      peer.greet();
      std::string pings;
      for (std::size_t i = 0; i < kPings; ++i) pings += "PING\r\n";
      peer.say(pings + "MSG last 1 0\r\n\r\n");
      pongs = peer.wait_for_end();
    });
    auto connection = connect(server);
    for (bool is_last = false; !is_last && !connection->fault();) {
      connection->exchange();
      is_last = connection->next_message().has_value();
    }
    connection->exchange();
  }
  EXPECT_THAT(pongs, Each("PONG\r\n"));
  EXPECT_GE(pongs.size(), 1U);
  EXPECT_LT(pongs.size(), kPings);  // one for each time that pings came, which is a few
}

}  // namespace
}  // namespace bpx::bridge
