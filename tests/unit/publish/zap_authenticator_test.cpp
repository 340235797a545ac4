#include "bridge/publish/zap_authenticator.hpp"

#include "tests/support/deadline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Frames = std::vector<std::string>;

const std::string kKey(32, '\x01');
const std::string kOtherKey(32, '\x02');

std::string z85(const std::string& key) {
  std::string text(41, '\0');
  zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
  text.pop_back();
  return text;
}

/// An authenticator of two domains, and libzmq's end of the line.
class Zap : public testing::Test {
 protected:
  void SetUp() override {
    authenticator_.guard("public", Admission({"*"}), public_);
    authenticator_.guard("private", Admission({z85(kKey)}), private_);
    asker_.set(zmq::sockopt::rcvtimeo,
               static_cast<int>(std::chrono::milliseconds(test::kDeadline).count()));
    asker_.connect("inproc://zeromq.zap.01");
  }

  static Frames question(const std::string& domain, const std::string& key) {
    return {"1.0", "id", domain, "10.0.0.1", "", "CURVE", key};
  }

  Frames ask(const Frames& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i)
      asker_.send(zmq::buffer(frames[i]),
                  i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    authenticator_.answer();
    Frames reply;
    zmq::message_t frame;
    do {
      if (!asker_.recv(frame)) return {};
      reply.push_back(frame.to_string());
    } while (frame.more());
    return reply;
  }

  std::string status_of(const Frames& frames) {
    const auto reply = ask(frames);
    return reply.size() == 6 ? reply[2] : "no reply";
  }

  std::string logged_;
  Log log_{{.sink = {[this](LogLevel, std::string_view line) { logged_.append(line); }}}};
  Counter public_failures_, private_failures_;
  Refusals public_{"public", public_failures_, log_};
  Refusals private_{"private", private_failures_, log_};
  zmq::context_t context_{1};
  ZapAuthenticator authenticator_{context_};
  zmq::socket_t asker_{context_, zmq::socket_type::req};
};

TEST_F(Zap, AdmitsAListedKeyInTheFormOfRfc27) {
  EXPECT_THAT(ask(question("private", kKey)), ElementsAre("1.0", "id", "200", "OK", "", ""));
  EXPECT_EQ(private_failures_.value(), 0U);
}

TEST_F(Zap, RefusesAndCountsAKeyThatIsNotListed) {
  EXPECT_THAT(ask(question("private", kOtherKey)),
              ElementsAre("1.0", "id", "400", "Not admitted", "", ""));
  EXPECT_EQ(private_failures_.value(), 1U);
  EXPECT_EQ(public_failures_.value(), 0U);
}

TEST_F(Zap, DecidesByTheDomain) {
  EXPECT_EQ(status_of(question("public", kOtherKey)), "200");
  EXPECT_EQ(status_of(question("private", kOtherKey)), "400");
  EXPECT_EQ(status_of(question("", kKey)), "400");
  EXPECT_EQ(status_of(question("privat", kKey)), "400");
}

TEST_F(Zap, AdmitsByNothingButCurve) {
  EXPECT_EQ(status_of({"1.0", "id", "public", "10.0.0.1", "", "NULL"}), "500");
  EXPECT_EQ(status_of({"1.0", "id", "public", "10.0.0.1", "", "NULL", ""}), "400");
  EXPECT_EQ(status_of({"1.0", "id", "public", "10.0.0.1", "", "PLAIN", "user", "word"}), "400");
}

TEST_F(Zap, RefusesWhatIsNoQuestion) {
  EXPECT_EQ(status_of({""}), "500");
  EXPECT_EQ(status_of({"2.0", "id", "public", "10.0.0.1", "", "CURVE", kKey}), "500");
  EXPECT_EQ(status_of(question("public", kKey.substr(1))), "400");
  EXPECT_EQ(status_of(question("public", "")), "400");
}

TEST_F(Zap, FollowsAChangedListAtOnce) {
  authenticator_.admit("private", Admission({z85(kOtherKey)}));
  EXPECT_EQ(status_of(question("private", kOtherKey)), "200");
  EXPECT_EQ(status_of(question("private", kKey)), "400");
}

TEST_F(Zap, AdmitsNobodyByAnEmptyList) {
  authenticator_.admit("private", Admission());
  EXPECT_EQ(status_of(question("private", kKey)), "400");
}

}  // namespace
}  // namespace bpx::bridge
