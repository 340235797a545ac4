#include "bridge/config/jetstream_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <string>

namespace bpx::bridge {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Problems problems_of(const std::function<void(Config::JetStream&)>& change) {
  Config config;
  config.publish.jetstream.servers = {"nats://127.0.0.1:4222"};
  change(config.publish.jetstream);
  Problems problems;
  validate_jetstream(config, problems);
  return problems;
}

TEST(JetStreamSettings, MayBeLeftOutOrNameServersOfBothKinds) {
  EXPECT_THAT(problems_of([](auto& settings) { settings.servers.clear(); }), IsEmpty());
  EXPECT_THAT(problems_of([](auto& settings) {
                settings.servers = {"nats://nats:4222", "tls://[::1]:4222", "tls://a.example:443"};
                settings.subject_prefix = "market.backpack-1.";
              }),
              IsEmpty());
}

struct Fault {
  std::string name;
  std::function<void(Config::JetStream&)> make;
  std::string path, wrong;
};

void PrintTo(const Fault& fault, std::ostream* os) { *os << fault.name; }

class JetStreamFault : public testing::TestWithParam<Fault> {};

TEST_P(JetStreamFault, IsReportedUnderItsKeyWithWhatToDo) {
  const auto problems = problems_of(GetParam().make);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].path, "publish.jetstream." + GetParam().path);
  EXPECT_THAT(problems[0].wrong, HasSubstr(GetParam().wrong));
  EXPECT_FALSE(problems[0].mend.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Each, JetStreamFault,
    testing::Values(
        Fault{"NoPort", [](auto& s) { s.servers = {"nats://nats"}; }, "servers[0]", "address"},
        Fault{"AnotherScheme",
              [](auto& s) {
                s.servers = {"nats://a:1", "http://a:1"};
              },
              "servers[1]", "address"},
        Fault{"APath", [](auto& s) { s.servers = {"tls://a:1/b"}; }, "servers[0]", "address"},
        Fault{"PrivateInTheClear",
              [](auto& s) {
                s.servers = {"nats://a.example:4222"};
                s.include_private = true;
              },
              "servers[0]", "in the clear"},
        Fault{"PrivateInTheClearWhereverANameLeads",
              [](auto& s) {
                s.servers = {"nats://localhost:4222"};
                s.include_private = true;
              },
              "servers[0]", "in the clear"},
        Fault{"NoStream", [](auto& s) { s.stream = ""; }, "stream", "not the name"},
        Fault{"StreamWithADot", [](auto& s) { s.stream = "A.B"; }, "stream", "A.B"},
        Fault{"NoPrefix", [](auto& s) { s.subject_prefix = ""; }, "subject_prefix", "begins no"},
        Fault{"PrefixWithoutDot", [](auto& s) { s.subject_prefix = "a.b"; }, "subject_prefix",
              "a.b"},
        Fault{"PrefixWithEmptyWord", [](auto& s) { s.subject_prefix = "a..b."; }, "subject_prefix",
              "a..b."},
        Fault{"PrefixOfEverything", [](auto& s) { s.subject_prefix = "*."; }, "subject_prefix",
              "*."},
        Fault{"PrefixOfTheServer", [](auto& s) { s.subject_prefix = "$JS."; }, "subject_prefix",
              "$JS."},
        Fault{"NoCredentials", [](auto& s) { s.credentials_file = "/no/such/file"; },
              "credentials_file", "does not exist"},
        Fault{"NoTrustAnchors",
              [](auto& s) {
                s.servers = {"tls://a:1"};
                s.ca_file = "/no/such/file";
              },
              "ca_file", "does not exist"},
        Fault{"TrustAnchorsForNothing", [](auto& s) { s.ca_file = "/etc/passwd"; }, "ca_file",
              "no effect"}),
    [](const auto& fault) { return fault.param.name; });

TEST(JetStreamSettings, PasswordInAnAddressIsNotShown) {
  const auto problems = problems_of([](auto& s) { s.servers = {"nats://user:hunter2@a:4222"}; });
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(to_line(problems[0]), Not(HasSubstr("hunter2")));
}

TEST(JetStreamSettings, CredentialsAreForTheirUserAlone) {
  const auto path = std::filesystem::path(testing::TempDir()) / "jetstream_settings_test.creds";
  std::ofstream(path) << "secret";
  const auto note_mode = [&](auto mode) {
    std::filesystem::permissions(path, mode);
    return problems_of([&](auto& s) { s.credentials_file = path.string(); });
  };
  using std::filesystem::perms;
  EXPECT_THAT(note_mode(perms::owner_read), IsEmpty());
  const auto problems = note_mode(perms::owner_read | perms::group_read);
  std::filesystem::remove(path);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].wrong, HasSubstr("others may read"));
}

}  // namespace
}  // namespace bpx::bridge
