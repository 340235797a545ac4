/// What finding out about a message costs, for each captured shape and for large depth messages.

#include "tests/bench/micro/captured.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace {

using namespace bpx;

void read(benchmark::State& state, std::string_view text) {
  const bench::Padded message(text);
  proto::EnvelopeReader reader;
  for (auto _ : state) benchmark::DoNotOptimize(reader.read(message.view()));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const auto& captured : bench::kCaptured)
    benchmark::RegisterBenchmark(
        ("envelope/" + std::string(captured.shape)).c_str(),
        [text = captured.text](benchmark::State& state) { read(state, text); });
  for (const std::size_t levels : {220U, 5'400U})
    benchmark::RegisterBenchmark(
        ("envelope/depth of " + std::to_string(levels) + " levels").c_str(),
        [levels](benchmark::State& state) { read(state, bench::depth_of(levels)); });
  return true;
}();

}  // namespace
