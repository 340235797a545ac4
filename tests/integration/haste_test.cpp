#include "tests/support/running_bridge.hpp"
#include "tests/support/scripted_websocket.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>

namespace bpx::test {
namespace {

using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::HasSubstr;

/// Reads until a Close frame with a code comes, masked as a client's is. False where none does.
bool hears_close(ScriptedWebSocket& exchange) {
  std::string heard;
  while (heard.find("\x88\x82") == std::string::npos) {
    const auto more = exchange.hear();
    if (more.empty()) return false;
    heard += more;
  }
  return true;
}

TEST(Haste, WaitsForNoAnswerToTheClose) {
  const SimulatedExchange rest(ExchangeOptions{});
  const TemporaryDirectory directory;
  ScriptedWebSocket exchange;
  auto config = test_config(rest, directory, {"trade.A"});
  config.upstream.url = exchange.url();
  std::mutex mutex;
  std::string log;
  {
    bridge::App app(config, std::nullopt, {},
                    {.log_sink =
                         [&](bridge::LogLevel, std::string_view line) {
                           const std::lock_guard lock(mutex);
                           log.append(line).append("\n");
                         },
                     .close_grace = 2 * kDeadline});
    const auto end = std::async(std::launch::async, [&app] { app.run(/*handles_signals=*/false); });
    EXPECT_TRUE(exchange.accept());
    EXPECT_TRUE(comes_true([&] {
      const std::lock_guard lock(mutex);
      return log.find("INFO  connected") != std::string::npos;
    }));
    app.stop();
    EXPECT_TRUE(hears_close(exchange));
    app.stop();
    EXPECT_EQ(end.wait_for(kDeadline), std::future_status::ready) << "it waits for the exchange";
  }
  EXPECT_THAT(log, HasSubstr("not waiting any longer cause=request"));
  EXPECT_THAT(log, HasSubstr("INFO  stopped"));
}

}  // namespace
}  // namespace bpx::test
