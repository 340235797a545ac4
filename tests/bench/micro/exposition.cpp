/// What a scrape costs: the text of GET /metrics with so many streams, all of which have messages.

#include "bridge/observe/exposition.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace bpx;

void exposition(benchmark::State& state) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    names.push_back("depth.S" + std::to_string(i) + "_USDC");
  bridge::Measurements measurements(names);
  for (const auto& name : names) {
    auto& stream = measurements.of(name);
    stream.messages.add(12'345);
    stream.bytes.add(2'098'650);
    stream.last_received_ns.set(1'788'367'430'323'775'000);
  }
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto page = bridge::exposition(measurements, {}, {"0.1.0", "4.3.4", "1.81"});
    benchmark::DoNotOptimize(page.data());
    bytes += page.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(exposition)->Arg(10)->Arg(2'000);

}  // namespace
