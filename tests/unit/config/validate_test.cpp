#include "bridge/config/validate.hpp"

#include "bridge/config/endpoint.hpp"
#include "tests/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

Config valid() {
  Config config;
  config.upstream.streams = {"trade.SOL_USDC"};
  return config;
}

Problems problems_of(const Config& config) {
  Problems problems;
  validate(config, problems);
  return problems;
}

TEST(Validate, FindsNothingWrongWithDefaultsAndAStream) {
  EXPECT_THAT(problems_of(valid()), IsEmpty());
}

/// A change that makes a valid configuration wrong, and the one problem that it must cause.
struct Fault {
  std::string name;
  std::function<void(Config&)> make;
  std::string path, wrong;
};

void PrintTo(const Fault& fault, std::ostream* os) { *os << fault.name; }

class ValidateFault : public testing::TestWithParam<Fault> {};

TEST_P(ValidateFault, IsReportedUnderItsKeyWithWhatToDo) {
  auto config = valid();
  GetParam().make(config);
  const auto problems = problems_of(config);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].path, GetParam().path);
  EXPECT_THAT(problems[0].wrong, HasSubstr(GetParam().wrong));
  EXPECT_FALSE(problems[0].mend.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Each, ValidateFault,
    testing::Values(
        Fault{"NoStream", [](Config& c) { c.upstream.streams.clear(); }, "upstream.streams",
              "no stream"},
        Fault{"BadStreamName",
              [](Config& c) {
                c.upstream.streams = {"trade.A", "a b"};
              },
              "upstream.streams[1]", "white space"},
        Fault{"PlainUrlBeyondLoopback", [](Config& c) { c.upstream.url = "ws://example.com"; },
              "upstream.url", "without TLS"},
        Fault{"UrlOfAnotherScheme", [](Config& c) { c.upstream.url = "https://x"; }, "upstream.url",
              "not a wss://"},
        Fault{"UrlWithUserInfo", [](Config& c) { c.upstream.url = "wss://me:secret@x"; },
              "upstream.url", "not a wss://"},
        Fault{"PlainRestUrlBeyondLoopback", [](Config& c) { c.upstream.rest_url = "http://x"; },
              "upstream.rest_url", "without TLS"},
        Fault{"KeyForCurveAsStream",
              [](Config& c) { c.upstream.streams = {"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"}; },
              "upstream.streams[0]", "looks like a key"},
        Fault{"MissingCaFile", [](Config& c) { c.upstream.ca_file = "/nonexistent.pem"; },
              "upstream.ca_file", "\"/nonexistent.pem\" does not exist"},
        Fault{"CaFileThatIsADirectory", [](Config& c) { c.upstream.ca_file = "/"; },
              "upstream.ca_file", "\"/\" is a directory"},
        Fault{"CaFileThatIsNoRegularFile", [](Config& c) { c.upstream.ca_file = "/dev/zero"; },
              "upstream.ca_file", "is no regular file"},
        Fault{"BackoffUpsideDown",
              [](Config& c) {
                c.upstream.backoff_initial_ms = 500;
                c.upstream.backoff_max_ms = 100;
              },
              "upstream.backoff_max_ms", "less than"},
        Fault{"NoPublicEndpoint", [](Config& c) { c.publish.public_.bind.clear(); },
              "publish.public.bind", "is empty"},
        Fault{"NoPrivateEndpoint", [](Config& c) { c.upstream.streams = {"account.orderUpdate"}; },
              "publish.private.bind", "is empty"},
        Fault{"UnknownTransport",
              [](Config& c) {
                c.publish.public_.bind = {"tcp://127.0.0.1:1", "udp://x:1"};
              },
              "publish.public.bind[1]", "not an endpoint"},
        Fault{"EndpointWithoutPort",
              [](Config& c) { c.publish.public_.bind = {"tcp://127.0.0.1"}; },
              "publish.public.bind[0]", "not an endpoint"},
        Fault{"EndpointOnAName",
              [](Config& c) { c.publish.public_.bind = {"tcp://localhost:5555"}; },
              "publish.public.bind[0]", "neither an address nor an interface"},
        Fault{"EndpointTwice", [](Config& c) { c.publish.private_.bind = c.publish.public_.bind; },
              "publish.private.bind[0]", "taken by publish.public.bind[0]"},
        Fault{"PlaintextPrivateBeyondLoopback",
              [](Config& c) { c.publish.private_.bind = {"tcp://0.0.0.0:5556"}; },
              "publish.private.bind[0]", "in the clear"},
        Fault{"PlaintextPrivateOnEveryInterface",
              [](Config& c) { c.publish.private_.bind = {"tcp://*:5556"}; },
              "publish.private.bind[0]", "in the clear"},
        Fault{"PlaintextPrivateOnIpv6",
              [](Config& c) { c.publish.private_.bind = {"tcp://[::]:5556"}; },
              "publish.private.bind[0]", "in the clear"},
        Fault{"PlaintextPrivateWithoutAFile",
              [](Config& c) { c.publish.private_.bind = {"ipc://@account"}; },
              "publish.private.bind[0]", "no file whose permissions"},
        Fault{"PathThatEndsEarly",
              [](Config& c) { c.publish.public_.bind = {std::string("ipc:///a\0b", 11)}; },
              "publish.public.bind[0]", "not an endpoint"},
        Fault{"LongTerminator", [](Config& c) { c.publish.topic_terminator = "||"; },
              "publish.topic_terminator", "does not end"},
        Fault{"TerminatorOfNames", [](Config& c) { c.publish.topic_terminator = "_"; },
              "publish.topic_terminator", "does not end"},
        Fault{"TerminatorWithinAName",
              [](Config& c) {
                c.upstream.streams = {"trade.A|B"};
                c.publish.topic_terminator = "|";
              },
              "upstream.streams[0]", "contains publish.topic_terminator"},
        Fault{"TerminatorWithinABookOnDemand",
              [](Config& c) {
                c.upstream.on_demand = {.enabled = true, .allow = {"depth.*"}};
                c.publish.books = {"depth.A:B"};
                c.publish.topic_terminator = ":";
              },
              "publish.books[0]", "contains publish.topic_terminator"},
        Fault{"HttpBindWithoutPort", [](Config& c) { c.http.bind = "127.0.0.1"; }, "http.bind",
              "not an address"},
        Fault{"HttpBindOnAName", [](Config& c) { c.http.bind = "localhost:1"; }, "http.bind",
              "not an address"},
        Fault{"UnknownLevel", [](Config& c) { c.log.level = "loud"; }, "log.level", "not a level"},
        Fault{"UnknownFormat", [](Config& c) { c.log.format = "xml"; }, "log.format",
              "not a format"},
        Fault{"OnDemandOfNothing", [](Config& c) { c.upstream.on_demand.enabled = true; },
              "upstream.on_demand.allow", "is empty"},
        Fault{"OnDemandThatIsOff", [](Config& c) { c.upstream.on_demand.allow = {"trade.*"}; },
              "upstream.on_demand.allow", "has no effect"},
        Fault{"EmptyGlob",
              [](Config& c) {
                c.upstream.on_demand = {.enabled = true, .allow = {"trade.*", ""}};
              },
              "upstream.on_demand.allow[1]", "is an empty text"},
        Fault{"GlobOfSeveral",
              [](Config& c) {
                c.upstream.on_demand = {.enabled = true, .allow = {"trade.*;depth.*"}};
              },
              "upstream.on_demand.allow[0]", "a comma, a semicolon or a quotation mark"},
        Fault{"GlobWithABlank",
              [](Config& c) {
                c.upstream.on_demand = {.enabled = true, .allow = {"trade.*", " depth.*"}};
              },
              "upstream.on_demand.allow[1]", "fits no name: the name contains white space"},
        Fault{"PrivateOnDemandWithoutEndpoint",
              [](Config& c) { c.upstream.on_demand = {.enabled = true, .allow = {"account.*"}}; },
              "publish.private.bind", "is empty"},
        Fault{"BookOfAStreamThatIsNotWanted",
              [](Config& c) { c.publish.books = {"depth.SOL_USDC"}; }, "publish.books[0]",
              "not among upstream.streams"},
        Fault{"BookOfNoDepthStream", [](Config& c) { c.publish.books = {"trade.SOL_USDC"}; },
              "publish.books[0]", "not a depth stream"},
        Fault{"BookOfNoMarket",
              [](Config& c) {
                c.upstream.streams = {"depth.200ms"};
                c.publish.books = {"depth.200ms"};
              },
              "publish.books[0]", "not a depth stream"},
        Fault{"BookTwice",
              [](Config& c) {
                c.upstream.streams = {"depth.A", "depth.200ms.A"};
                c.publish.books = {"depth.A", "depth.200ms.A", "depth.A"};
              },
              "publish.books[2]", "listed twice"}),
    [](const auto& fault) { return fault.param.name; });

TEST(Validate, ComparesWhatIsBoundAndNotWhatIsWritten) {
  const test::TemporaryDirectory directory;
  const auto folder = directory.path().string();
  std::filesystem::create_directory_symlink(folder, folder + "/link");
  directory.write("socket", "");
  std::filesystem::create_symlink(folder + "/socket", folder + "/other");
  for (const auto& [one, another] : std::vector<std::pair<std::string, std::string>>{
           {"ipc://" + folder + "/z", "ipc://" + folder + "/./z"},
           {"ipc://" + folder + "/z", "ipc://" + folder + "//z"},
           {"ipc://" + folder + "/z", "ipc://" + folder + "/link/z"},
           {"ipc://" + folder + "/z",
            "ipc://" + folder + "/link/../" + directory.path().filename().string() + "/z"},
           {"ipc://" + folder + "/socket", "ipc://" + folder + "/other"},
           {"ipc://z", "ipc://" + std::filesystem::current_path().string() + "/z"},
           {"tcp://127.0.0.1:5555", "tcp://127.0.0.1:05555"},
           {"tcp://127.0.0.1:5555", "tcp://lo:5555"},
           {"tcp://127.0.0.1:5555", "tcp://[::ffff:127.0.0.1]:5555"},
           {"tcp://*:5555", "tcp://0.0.0.0:5555"},
           {"tcp://[::1]:5555", "tcp://[0:0:0:0:0:0:0:1]:5555"}}) {
    auto config = valid();
    config.publish.public_.bind = {one};
    config.publish.private_.bind = {another};
    config.publish.private_.allow_plaintext = true;
    EXPECT_THAT(problems_of(config),
                ElementsAre(AllOf(Field(&Problem::path, "publish.private.bind[0]"),
                                  Field(&Problem::wrong, HasSubstr("taken by")))))
        << one << " and " << another;
  }
}

TEST(Validate, TellsAnEmptyFileOfTrustAnchors) {
  const test::TemporaryDirectory directory;
  auto config = valid();
  config.upstream.ca_file = directory.write("ca.pem", "");
  EXPECT_THAT(problems_of(config), ElementsAre(Field(&Problem::wrong, HasSubstr("is empty"))));
}

TEST(Validate, TakesAnyNumberOfStreamsAndBooks) {
  auto config = valid();
  for (std::size_t i = 0; i < 100'000; ++i)
    config.upstream.streams.push_back("depth." + std::to_string(i));
  config.publish.books = {config.upstream.streams.begin() + 1, config.upstream.streams.end()};
  EXPECT_THAT(problems_of(config), IsEmpty());
}

TEST(Validate, TakesGlobsOfEveryKind) {
  auto config = valid();
  config.upstream.on_demand = {
      .enabled = true, .allow = {"*", "trade.*", "kline.1?.[A-Z]*", "depth.[!0-9]*", "tr\\ade.A"}};
  EXPECT_THAT(problems_of(config), IsEmpty());
}

TEST(Validate, SaysThatAPathIsTooLongForASocket) {
  auto config = valid();
  config.publish.public_.bind = {"ipc:///" + std::string(kMaxIpcPath, 'x')};
  EXPECT_THAT(problems_of(config), ElementsAre(Field(&Problem::wrong, HasSubstr("too long"))));
  config.publish.public_.bind = {"ipc:///" + std::string(kMaxIpcPath - 1, 'x')};
  EXPECT_THAT(problems_of(config), IsEmpty());
}

TEST(Validate, ReportsAllProblemsAtOnce) {
  Config config;
  config.upstream.url = "nonsense";
  config.log.level = "loud";
  config.publish.public_.bind = {"x"};
  EXPECT_EQ(problems_of(config).size(), 4U);
}

TEST(Validate, AcceptsWhatUsersMean) {
  auto config = valid();
  config.upstream.url = "ws://127.0.0.1:8080/stream?x=1";
  config.upstream.rest_url = "http://localhost:8080";
  config.publish.public_.bind = {"tcp://*:5555", "tcp://[::1]:5555", "ipc:///run/bridge.sock",
                                 "tcp://127.0.0.1:0", "tcp://127.0.0.1:*"};
  config.publish.private_.bind = {"tcp://127.0.0.1:0", "ipc:///run/account.sock",
                                  "tcp://[::1]:5556", "tcp://lo:5556"};
  config.publish.topic_terminator = "|";
  config.http.bind = "[::]:9464";
  EXPECT_THAT(problems_of(config), IsEmpty());

  config.publish.public_.bind = {"ipc://@bridge"};
  config.publish.private_.bind = {"tcp://0.0.0.0:5556", "ipc://@account"};
  config.publish.private_.allow_plaintext = true;
  EXPECT_THAT(problems_of(config), IsEmpty());
}

TEST(Validate, AcceptsQueuesWithoutALimitAndOnesThatAreShorterThanAReplay) {
  auto config = valid();
  for (const auto hwm : {0U, 1U, 1'000U}) {
    config.publish.send_hwm = hwm;
    EXPECT_THAT(problems_of(config), IsEmpty()) << hwm;
  }
}

TEST(Validate, ShowsControlCharactersHarmlessly) {
  auto config = valid();
  config.log.level = "x\x1b[31m\n";
  EXPECT_THAT(problems_of(config)[0].wrong, HasSubstr("\"x [31m \""));
}

TEST(Problem, ReadsAsOneLine) {
  EXPECT_EQ(to_line({"log.level", "is wrong", "mend it"}), "config: log.level: is wrong; mend it");
  const auto line = to_line({std::string(1'000'000, 'x'), "is wrong", "mend it"});
  EXPECT_LT(line.size(), 3'000U);
  EXPECT_THAT(line, testing::EndsWith("... (998000 more bytes): is wrong; mend it"));
}

}  // namespace
}  // namespace bpx::bridge
