/// The way of a message from the WebSocket's buffer to ZeroMQ, without either's socket: nobody
/// listens at the endpoint, so that what is measured is ours. Over many streams, in turn.

#include "bridge/relay/relay.hpp"

#include "tests/bench/micro/captured.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace {

using namespace bpx;

std::string book_ticker(const std::string& stream) {
  return R"({"data":{"A":"39.70","B":"288.77","E":1788367430323775,"T":1788367430322731,"a":"98.97",)"
         R"("b":"98.96","e":"bookTicker","s":"SOL_USDC","u":4330361000},"stream":")" +
         stream + "\"}";
}

/// `serves`: whether there is an endpoint. Without one a message ends before publishing.
/// `foresees`: whether the message after the next is in sight, as it is where many come at once.
void relay(benchmark::State& state, bool serves, bool foresees) {
  std::vector<std::string> names;
  std::vector<bench::Padded> messages;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    names.push_back("bookTicker.S" + std::to_string(i) + "_USDC");
    messages.emplace_back(book_ticker(names.back()));
  }
  bridge::Log log({.sink = [](bridge::LogLevel, std::string_view) {}});
  bridge::Measurements measurements(names);
  bridge::Publisher::Options options;
  options.linger = std::chrono::milliseconds(0);
  if (serves) options.public_bind = {"tcp://127.0.0.1:0"};
  bridge::Publisher publisher(options, measurements, log);
  bridge::History history({});
  bridge::StreamTable streams(names, "", measurements, history);
  bridge::Relay relay(1, streams, publisher, measurements);
  relay.begin_connection(1);
  std::size_t next = 0;
  const auto accept_next = [&] {
    const auto& message = messages[next];
    if (++next == messages.size()) next = 0;
    if (foresees) relay.foresee(messages[next].view());
    return relay.accept(message.view(), {.unix_ns = 1'788'367'430'323'775'000, .steady_ns = 1});
  };
  for (std::size_t i = 0; i < 300'000; ++i) accept_next();  // until the history is full
  for (auto _ : state) benchmark::DoNotOptimize(accept_next());
}
BENCHMARK_CAPTURE(relay, published, true, false)->Arg(1)->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(relay, published_foreseen, true, true)->Arg(1)->Arg(10)->Arg(1'000)->Arg(10'000);
BENCHMARK_CAPTURE(relay, without_endpoint, false, false)->Arg(1)->Arg(1'000);

}  // namespace
