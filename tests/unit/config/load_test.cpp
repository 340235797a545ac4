#include "bridge/config/load.hpp"

#include "bridge/config/schema.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/test_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace bpx::bridge {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadConfig : public testing::Test {
 protected:
  Config load(std::string_view file, std::vector<std::string> environment = {}) {
    const test::TestEnvironment variables(std::move(environment));
    const auto path = directory_.write("config.json", file);
    return load_config(
        {.file = path, .environment = variables.view(), .streams = {}, .log_level = {}}, problems_);
  }

  test::TemporaryDirectory directory_;
  Problems problems_;
};

auto problem(std::string_view path, std::string_view wrong) {
  return AllOf(Field(&Problem::path, path), Field(&Problem::wrong, HasSubstr(std::string(wrong))),
               Field(&Problem::mend, testing::Not(IsEmpty())));
}

TEST_F(LoadConfig, KeepsTheDefaultsWhereNothingIsSet) {
  const auto config = load("{}");
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_EQ(to_json(config), to_json(Config{}));
  EXPECT_EQ(config.upstream.url, "wss://ws.backpack.exchange");
  EXPECT_THAT(config.publish.public_.bind, ElementsAre("tcp://127.0.0.1:5555"));
  EXPECT_THAT(config.publish.private_.bind, IsEmpty());
}

TEST_F(LoadConfig, TakesAnEmptyVariableForUnset) {
  const auto config =
      load(R"({"upstream":{"streams":["trade.FILE"]},"log":{"level":"debug"}})",
           {"BRIDGE_UPSTREAM__STREAMS=", "BRIDGE_UPSTREAM__WINDOW_MS=",
            "BRIDGE_UPSTREAM__COMPRESSION=", "BRIDGE_LOG__LEVEL=", "BRIDGE_FOO__BAR="});
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(config.upstream.streams, ElementsAre("trade.FILE"));
  EXPECT_EQ(config.upstream.window_ms, Config{}.upstream.window_ms);
  EXPECT_EQ(config.log.level, "debug");
}

TEST_F(LoadConfig, TakesAnEmptyFlagForNone) {
  const test::TestEnvironment none;
  const auto path = directory_.write(
      "config.json", R"({"upstream":{"streams":["trade.FILE"]},"log":{"level":"debug"}})");
  const auto config = load_config(
      {.file = path, .environment = none.view(), .streams = {"", ""}, .log_level = ""}, problems_);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(config.upstream.streams, ElementsAre("trade.FILE"));
  EXPECT_EQ(config.log.level, "debug");
}

TEST_F(LoadConfig, TakesALoneCommaForAnEmptyList) {
  const auto config =
      load(R"({"upstream":{"streams":["trade.FILE"]}})", {"BRIDGE_UPSTREAM__STREAMS=,"});
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(config.upstream.streams, IsEmpty());
}

TEST_F(LoadConfig, LetsTheLaterSourceWin) {
  const test::TestEnvironment variables(
      {"BRIDGE_UPSTREAM__STREAMS=trade.ENV", "BRIDGE_UPSTREAM__WINDOW_MS=7000", "HOME=/x"});
  const auto path = directory_.write(
      "config.json", R"({"upstream":{"streams":["trade.FILE"],"window_ms":6000,"compression":true},
                         "log":{"level":"debug"}})");
  const auto config = load_config({.file = path,
                                   .environment = variables.view(),
                                   .streams = {"trade.FLAG"},
                                   .log_level = "trace"},
                                  problems_);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(config.upstream.streams, ElementsAre("trade.FLAG"));
  EXPECT_EQ(config.upstream.window_ms, 7000U);
  EXPECT_TRUE(config.upstream.compression);
  EXPECT_EQ(config.log.level, "trace");
}

TEST_F(LoadConfig, SplitsListsOfTheEnvironmentAtCommas) {
  const auto config = load("{}", {"BRIDGE_UPSTREAM__STREAMS=trade.A,depth.B,",
                                  "BRIDGE_PUBLISH__PUBLIC__BIND=tcp://127.0.0.1:1,ipc:///x",
                                  "BRIDGE_PUBLISH__PRIVATE__ALLOW_PLAINTEXT=true",
                                  "BRIDGE_PUBLISH__TOPIC_TERMINATOR=|"});
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(config.upstream.streams, ElementsAre("trade.A", "depth.B"));
  EXPECT_THAT(config.publish.public_.bind, ElementsAre("tcp://127.0.0.1:1", "ipc:///x"));
  EXPECT_TRUE(config.publish.private_.allow_plaintext);
  EXPECT_EQ(config.publish.topic_terminator, "|");
}

TEST_F(LoadConfig, SplitsFlagsAtCommasToo) {
  const test::TestEnvironment none;
  const auto config = load_config({.file = {},
                                   .environment = none.view(),
                                   .streams = {"trade.A,depth.B", "trade.C"},
                                   .log_level = {}},
                                  problems_);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(config.upstream.streams, ElementsAre("trade.A", "depth.B", "trade.C"));
}

TEST_F(LoadConfig, NamesTheQuotationMarksThatAValueKeepsAndNothingElse) {
  for (const auto* const variable :
       {R"(BRIDGE_UPSTREAM__STREAMS="trade.A,depth.B")", "BRIDGE_UPSTREAM__STREAMS='trade.A'",
        "BRIDGE_UPSTREAM__WINDOW_MS=\"5000\"", "BRIDGE_UPSTREAM__COMPRESSION='true'",
        "BRIDGE_HTTP__BIND=\"127.0.0.1:9464", "BRIDGE_LOG__LEVEL=debug'"}) {
    problems_.clear();
    load("{}", {variable});
    ASSERT_EQ(problems_.size(), 1U) << variable;
    EXPECT_EQ(problems_[0].wrong, "keeps its quotation marks");
    EXPECT_THAT(problems_[0].mend, HasSubstr("in BRIDGE_"));
  }
  problems_.clear();
  const test::TestEnvironment none;
  load_config({.file = {},
               .environment = none.view(),
               .streams = {R"("trade.A,depth.B")"},
               .log_level = "'info'"},
              problems_);
  EXPECT_THAT(problems_, ElementsAre(problem("upstream.streams", "keeps its quotation marks"),
                                     problem("log.level", "keeps its quotation marks")));
}

TEST_F(LoadConfig, ReportsEveryProblemAtOnce) {
  load(R"({"upstream":{"windows_ms":1,"window_ms":0,"streams":"trade.A","compression":"yes",
           "idle_timeout_ms":-5,"connect_timeout_ms":1.5,"url":7},
           "publish":7,"http":{"bind":null},"nonsense":{}})",
       {"BRIDGE_UPSTREAM__SUBSCRIBE_BATCH=many", "BRIDGE_TYPO__X=1",
        "BRIDGE_UPSTREAM__COMPRESSION=1", "BRIDGE_PUBLISH__HEARTBEAT_MS=0"});
  EXPECT_THAT(
      problems_,
      testing::UnorderedElementsAre(
          problem("upstream.windows_ms", "not a key"), problem("upstream.window_ms", "0 is out of"),
          problem("upstream.streams", "not a list"),
          problem("upstream.compression", "neither true"),
          problem("upstream.idle_timeout_ms", "not a whole number"),
          problem("upstream.connect_timeout_ms", "not a whole number"),
          problem("upstream.url", "not a text"), problem("publish", "group of keys"),
          problem("http.bind", "not a text"), problem("nonsense", "not a key"),
          problem("upstream.subscribe_batch", "not a whole number"),
          problem("BRIDGE_TYPO__X", "not a variable"),
          problem("upstream.compression", "neither true"),
          problem("publish.heartbeat_ms", "0 is out of range")));
}

TEST_F(LoadConfig, SuggestsTheKeyThatWasMeant) {
  load(R"({"upstream":{"stream":["trade.A"]}})");
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_THAT(problems_[0].mend, HasSubstr("`upstream.streams`"));
}

TEST_F(LoadConfig, SeeksKeysThatAreNearToTheFirstUnknownOnesAlone) {
  constexpr std::size_t kUnknown = 100'000;
  std::string text = R"({"upstream":{)";
  for (std::size_t i = 0; i < kUnknown; ++i)
    text.append(i > 0 ? "," : "").append("\"stream").append(std::to_string(i)).append("\":1");
  load(text + "}}");
  EXPECT_EQ(problems_.size(), kUnknown);
  EXPECT_EQ(std::ranges::count_if(
                problems_, [](const auto& problem) { return problem.mend.starts_with("did you"); }),
            50);
}

TEST_F(LoadConfig, SeeksNoKeyThatIsNearToAnEndlessName) {
  load("{\"upstream\":{\"" + std::string(std::size_t{3} << 20U, 'x') + "\":1}}");
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_THAT(problems_[0].mend, HasSubstr("see README"));
}

TEST_F(LoadConfig, RefusesAKeyThatStandsTwice) {
  load(R"({"log":{"level":"info","level":"trace"}})");
  EXPECT_THAT(problems_, ElementsAre(problem("log.level", "twice")));
  problems_.clear();
  load(R"({"publish":{"public":{"bind":[]},"heartbeat_ms":20,"public":{}}})");
  EXPECT_THAT(problems_, ElementsAre(problem("publish.public", "twice")));
}

TEST_F(LoadConfig, ReadsWhatIsNestedHoweverDeeply) {
  std::string text;
  for (int depth = 0; depth < 500'000; ++depth) text += R"({"a":)";
  load(text + '1' + std::string(500'000, '}'));
  EXPECT_THAT(problems_, ElementsAre(problem("a", "is not a key")));
}

TEST_F(LoadConfig, RefusesAPathInPlaceOfNestedObjects) {
  load(R"({"upstream.window_ms":5,"upstream":{"window_ms":6,"on_demand.enabled":true}})");
  EXPECT_THAT(problems_,
              testing::UnorderedElementsAre(problem("upstream.window_ms", "has a dot"),
                                            problem("upstream.on_demand.enabled", "has a dot")));
}

TEST_F(LoadConfig, PassesOverVariablesWithoutTwoUnderscoresAndNamesThem) {
  const std::vector<std::string> variables{
      "BRIDGE_SERVICE_HOST=10.0.0.1",   "BRIDGE_PORT=tcp://10.0.0.1:5555",
      "BRIDGE_PORT_5555_TCP_PROTO=tcp", "BRIDGE_EMPTY=",
      "BRIDGE_LOG__LEVEL=debug",        "BRIDGES=2"};
  EXPECT_EQ(load("{}", variables).log.level, "debug");
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_EQ(foreign_variables(test::TestEnvironment(variables).view()),
            "BRIDGE_PORT, BRIDGE_PORT_5555_TCP_PROTO, BRIDGE_SERVICE_HOST");
}

TEST_F(LoadConfig, RefusesAFileWithANulInsteadOfReadingAHalfOfIt) {
  using namespace std::string_literals;
  load("{}\0{\"upstream\":{}}"s);
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "holds a NUL, see byte 3")));
}

TEST_F(LoadConfig, RefusesAValueWithANulInsteadOfUsingAHalfOfIt) {
  const auto config =
      load(R"({"upstream":{"ca_file":"/a\u0000b","streams":["trade.A","\u0000"]}})");
  EXPECT_THAT(problems_, ElementsAre(problem("upstream.ca_file", "holds a NUL"),
                                     problem("upstream.streams", "holds a NUL")));
  EXPECT_EQ(config.upstream.ca_file, "");
}

TEST_F(LoadConfig, SaysWhereTheFileIsNotJson) {
  load("{\"upstream\": ");
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_THAT(problems_[0].path, HasSubstr("config.json"));
  EXPECT_THAT(problems_[0].wrong, HasSubstr("byte"));
  problems_.clear();
  load("[]");
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, HasSubstr("not a JSON object"))));
}

TEST_F(LoadConfig, SaysThatAFileCannotBeRead) {
  const test::TestEnvironment none;
  load_config({.file = directory_.path() / "absent",
               .environment = none.view(),
               .streams = {},
               .log_level = {}},
              problems_);
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "does not exist")));
  problems_.clear();
  load("");
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "is empty")));
}

TEST_F(LoadConfig, SaysThatAFileIsTooLongToBeAConfiguration) {
  load('{' + std::string(std::size_t{4} << 20U, ' ') + '}');
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "holds more than 4 MiB")));
}

TEST_F(LoadConfig, TellsAProblemInOneLineWhateverTheNamesHold) {
  load("{\"up\\nstream\":1}", {"BRIDGE__\x1b[31m=1"});
  const test::TestEnvironment nothing;
  load_config(
      {.file = "no\nsuch file", .environment = nothing.view(), .streams = {}, .log_level = {}},
      problems_);
  ASSERT_EQ(problems_.size(), 3U);
  for (const auto& problem : problems_)
    EXPECT_THAT(to_line(problem), testing::Not(testing::ContainsRegex("[\x1b\n]")));
}

TEST_F(LoadConfig, PrintsWhatItWouldReadAgain) {
  auto config = load("{}", {"BRIDGE_UPSTREAM__STREAMS=trade.A", "BRIDGE_UPSTREAM__WINDOW_MS=9",
                            "BRIDGE_PUBLISH__BOOKS=depth.A", "BRIDGE_LOG__FORMAT=json"});
  const auto printed = to_json(config);
  EXPECT_EQ(to_json(load(printed)), printed);
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(LoadConfig, PrintsWhatSteersATerminalSoThatItCanBeReadAgain) {
  const std::string path =
      "ipc:///tmp/Schl\u00fcssel \xc2\x9b"
      "2J\u202e\U000e0041\x7f";
  Config config;
  config.publish.public_.bind = {path};
  const auto printed = to_json(config);
  EXPECT_THAT(printed, testing::Not(testing::ContainsRegex("[^ -~\n]")));
  EXPECT_THAT(load(printed).publish.public_.bind, ElementsAre(path));
}

TEST_F(LoadConfig, PrintsWhatIsShownInPlaceOfTexts) {
  Config config;
  config.log.level = "my secret";
  config.upstream.streams = {"my secret", "trade.A"};
  const auto shown = load(to_json(config, [](const std::string& text) {
    return text == "my secret" ? "hidden \"so\"" : text;
  }));
  EXPECT_EQ(shown.log.level, "hidden \"so\"");
  EXPECT_THAT(shown.upstream.streams, ElementsAre("hidden \"so\"", "trade.A"));
}

TEST(ConfigKeys, ThatDifferAreFound) {
  Config a;
  EXPECT_THAT(differing_paths(a, Config()), IsEmpty());
  a.upstream.compression = true;
  a.publish.heartbeat_ms = 7;
  a.publish.private_.curve.allow = {"*"};
  a.log.level = "debug";
  EXPECT_THAT(differing_paths(a, Config()),
              ElementsAre("upstream.compression", "publish.private.curve.allow",
                          "publish.heartbeat_ms", "log.level"));
}

TEST_F(LoadConfig, TakesEveryNumberWithinItsBoundsAndNoneBeyond) {
  Config any;
  std::size_t numbers = 0;
  for (const auto& key : keys_of(any)) {
    if (!std::holds_alternative<std::uint64_t*>(key.value)) continue;
    ++numbers;
    const auto outcome_of = [&](std::uint64_t number) {
      problems_.clear();
      load("{}", {key.environment_name() + '=' + std::to_string(number)});
      return problems_;
    };
    EXPECT_LT(key.min, key.max) << key.path;
    EXPECT_THAT(outcome_of(key.min), IsEmpty()) << key.path;
    EXPECT_THAT(outcome_of(key.max), IsEmpty()) << key.path;
    EXPECT_THAT(outcome_of(key.max + 1), ElementsAre(problem(key.path, "out of range")));
    if (key.min > 0) {
      EXPECT_THAT(outcome_of(key.min - 1), ElementsAre(problem(key.path, "out of range")));
    }
  }
  EXPECT_EQ(numbers, 22U);
}

TEST(ConfigKeys, BoundTheSigningWindowAsTheExchangeDoes) {
  Config config;
  const auto keys = keys_of(config);
  const auto window = std::ranges::find(keys, "upstream.window_ms", &ConfigKey::path);
  ASSERT_NE(window, keys.end());
  EXPECT_EQ(window->min, 1U);
  EXPECT_EQ(window->max, 60'000U);
}

TEST(ConfigKeys, HaveEnvironmentNamesOfTheirOwn) {
  Config config;
  std::vector<std::string> names;
  for (const auto& key : keys_of(config)) names.push_back(key.environment_name());
  EXPECT_THAT(names, testing::Contains("BRIDGE_PUBLISH__PRIVATE__CURVE__SECRET_KEY_FILE"));
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace bpx::bridge
