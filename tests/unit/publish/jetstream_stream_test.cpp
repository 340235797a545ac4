#include "bridge/publish/jetstream_stream.hpp"

#include "tests/unit/publish/scripted_nats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;
using test::NatsPeer;
using test::ScriptedNats;
using testing::ElementsAre;

constexpr auto kNotFound =
    R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})";
constexpr auto kInUse =
    R"({"error":{"code":400,"err_code":10058,"description":"stream name already in use"}})";
constexpr auto kCreated = R"({"config":{},"did_create":true})";
constexpr auto kAsWanted =
    R"({"config":{"subjects":["backpack.>"],"num_replicas":3,"max_age":60000000000,"max_bytes":1000,)"
    R"("duplicate_window":60000000000,"retention":"limits","discard":"old","storage":"file",)"
    R"("max_msgs":-1,"max_msgs_per_subject":-1,"max_msg_size":-1,"sealed":false}})";

const JetStreamStream kStream{.name = "BACKPACK",
                              .subject_prefix = "backpack.",
                              .replicas = 3,
                              .max_age = std::chrono::seconds(60),
                              .max_bytes = 1'000};

/// What comes of it where JetStream answers so, one question after the other.
class JetStreamStreamTest : public testing::Test {
 protected:
  void ask(std::vector<std::string> answers) {
    const ScriptedNats server([this, answers = std::move(answers)](NatsPeer& peer) {
      peer.greet();
      for (const auto& answer : answers) {
        questions_.push_back(peer.hear_message());
        peer.answer(questions_.back(), answer);
      }
      peer.wait_for_end();
    });
    const NatsPatience patience(std::chrono::hours(1), [] { return false; });
    NatsLookUp look_up;
    auto opened = NatsConnection::open(
        {.url = {}, .host = "127.0.0.1", .port = server.port(), .is_tls = false}, {}, look_up,
        patience);
    const auto connection = std::get<std::unique_ptr<NatsConnection>>(std::move(opened));
    result_ = find_or_create(*connection, kStream, patience);
  }

  std::vector<std::string> subjects() const {
    std::vector<std::string> subjects;
    for (const auto& question : questions_) subjects.push_back(question.subject);
    return subjects;
  }

  const FoundStream& found() const { return std::get<FoundStream>(result_); }
  const std::string& fault() const { return std::get<NatsFault>(result_).cause; }

  std::vector<NatsPeer::Heard> questions_;
  std::variant<FoundStream, NatsFault> result_;
};

TEST_F(JetStreamStreamTest, IsLeftAloneWhereItIsAsWanted) {
  ask({kAsWanted});
  EXPECT_THAT(subjects(), ElementsAre("$JS.API.STREAM.INFO.BACKPACK"));
  EXPECT_FALSE(found().is_new);
  EXPECT_THAT(found().differences, ElementsAre());
}

TEST_F(JetStreamStreamTest, IsCreatedWhereItIsAbsent) {
  ask({kNotFound, kCreated});
  EXPECT_THAT(subjects(),
              ElementsAre("$JS.API.STREAM.INFO.BACKPACK", "$JS.API.STREAM.CREATE.BACKPACK"));
  EXPECT_TRUE(found().is_new);
  EXPECT_EQ(Json::parse(questions_.back().text),
            Json::parse(R"({"name":"BACKPACK","subjects":["backpack.>"],"retention":"limits",
                            "discard":"old","storage":"file","num_replicas":3,"max_age":60000000000,
                            "max_bytes":1000,"duplicate_window":60000000000})"));
}

TEST_F(JetStreamStreamTest, IsLookedAtOnceMoreWhereAnotherBridgeWasFaster) {
  ask({kNotFound, kInUse, kAsWanted});
  EXPECT_EQ(questions_.size(), 3U);
  EXPECT_FALSE(found().is_new);
}

TEST_F(JetStreamStreamTest, ThatDiffersIsToldInWhat) {
  ask({R"({"config":{"subjects":["other.>","more"],"num_replicas":1,"max_age":0,"max_bytes":-1,)"
       R"("duplicate_window":2000000000,"no_ack":true,"retention":"interest","discard":"new",)"
       R"("storage":"memory","max_msgs":7,"max_msgs_per_subject":8,"max_msg_size":9,)"
       R"("sealed":true}})"});
  EXPECT_THAT(
      found().differences,
      ElementsAre("subjects other.>,more, configured backpack.>",
                  "retention interest, wanted limits", "discard new, wanted old",
                  "storage memory, wanted file", "max_msgs 7, wanted no limit",
                  "max_msgs_per_subject 8, wanted no limit", "max_msg_size 9, wanted no limit",
                  "sealed true: it takes nothing any more", "replicas 1, configured 3",
                  "max_age_s 0, configured 60", "max_bytes -1, configured 1000",
                  "duplicate_window 2 s, for which what is sent again is known",
                  "no_ack true, which leaves every message pending"));
}

TEST_F(JetStreamStreamTest, ThatCannotBeCreatedIsToldWhy) {
  ask({kNotFound,
       R"({"error":{"code":500,"err_code":10074,"description":"insufficient resources"}})"});
  EXPECT_EQ(fault(), "creating the stream: insufficient resources");
}

TEST_F(JetStreamStreamTest, ThatCannotBeSeenIsToldWhy) {
  ask({R"({"error":{"code":503,"err_code":10039,"description":"JetStream not enabled for account"}})"});
  EXPECT_EQ(fault(), "looking for the stream: JetStream not enabled for account");
}

TEST_F(JetStreamStreamTest, IsNotFoundInWhatIsNoAnswer) {
  for (const auto* text : {"", "text", "[]", "null"}) {
    ask({text});
    EXPECT_EQ(fault(), "looking for the stream: JetStream's answer is not understood") << text;
  }
}

}  // namespace
}  // namespace bpx::bridge
