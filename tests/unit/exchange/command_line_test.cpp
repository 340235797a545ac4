#include "tests/exchange/command_line.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace bpx::exchange {
namespace {

using Texts = std::vector<std::string>;

CommandLine parse(Texts arguments) {
  arguments.insert(arguments.begin(), "simulated-exchange");
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  return parse_command_line(static_cast<int>(pointers.size()), pointers.data());
}

TEST(CommandLine, RunsAMarketWithAControlPortByDefault) {
  const auto options = parse({}).options;
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->market);
  EXPECT_TRUE(options->control);
  EXPECT_TRUE(options->tls);
  EXPECT_EQ(options->rate, 60);
}

TEST(CommandLine, SetsWhatItIsTold) {
  const auto options =
      parse({"--no-tls", "--symbols", "A_B,C_D", "--seed", "7", "--rate", "2.5", "--bad-name-alone",
             "--stream-first", "--close-grace-ms", "10", "--levels", "2000"})
          .options;
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->tls);
  EXPECT_EQ(options->market->symbols, (Texts{"A_B", "C_D"}));
  EXPECT_EQ(options->market->seed, 7U);
  EXPECT_EQ(options->rate, 2.5);
  EXPECT_EQ(options->market->levels, 2'000U);
  EXPECT_FALSE(options->quirks.bad_name_spoils_request);
  EXPECT_TRUE(options->quirks.stream_first);
  EXPECT_EQ(options->close_grace, std::chrono::milliseconds(10));
}

TEST(CommandLine, TakesMaxForARateWithoutLimit) {
  EXPECT_TRUE(std::isinf(parse({"--rate", "max"}).options->rate));
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
  for (const Texts& wrong :
       {Texts{"--rate", "fast"}, Texts{"--rate", "-1"}, Texts{"--rate", "nan"},
        Texts{"--port", "70000"}, Texts{"--loop"}, Texts{"--certificate", "/dev/null"},
        Texts{"--no-such"}, Texts{"--levels", "2500"}}) {
    testing::internal::CaptureStderr();
    const auto command_line = parse(wrong);
    EXPECT_NE(testing::internal::GetCapturedStderr(), "");
    EXPECT_FALSE(command_line.options);
    EXPECT_EQ(command_line.exit_status, 2);
  }
}

TEST(CommandLine, HelpsAndSucceeds) {
  testing::internal::CaptureStdout();
  const auto command_line = parse({"--help"});
  EXPECT_NE(testing::internal::GetCapturedStdout().find("--replay"), std::string::npos);
  EXPECT_FALSE(command_line.options);
  EXPECT_EQ(command_line.exit_status, 0);
}

}  // namespace
}  // namespace bpx::exchange
