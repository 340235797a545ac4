/// What keeping a message for replay costs: while the memory fills, once every message pushes out
/// an older one of its stream, and with as many streams as fill the memory together.

#include "bridge/relay/history.hpp"

#include "tests/bench/micro/captured.hpp"

#include <benchmark/benchmark.h>

#include <deque>

namespace {

using namespace bpx;

void history_keep(benchmark::State& state) {
  bridge::History history({});
  std::deque<bridge::StreamHistory> streams;
  for (std::int64_t i = 0; i < state.range(0); ++i) streams.emplace_back(history);
  const auto text = bench::kCaptured.front().text;
  proto::MessageHeader header;
  const auto keep_in_each = [&] {
    ++header.sequence;
    for (auto& stream : streams) stream.keep(header, text);
  };
  for (std::size_t i = 0; i < history.limits().messages; ++i) keep_in_each();
  for (auto _ : state) keep_in_each();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(history_keep)->Arg(1)->Arg(10)->Arg(1'000)->Arg(10'000);

void history_read(benchmark::State& state) {
  bridge::History history({});
  bridge::StreamHistory stream(history);
  proto::MessageHeader header;
  for (; header.sequence < history.limits().messages; ++header.sequence)
    stream.keep(header, bench::kCaptured.front().text);
  std::string text;
  for (auto _ : state) {
    bridge::StreamHistory::Place place;
    while (const auto kept = stream.read_next(place, text))
      benchmark::DoNotOptimize(kept->sequence + text.size());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}
BENCHMARK(history_read);

}  // namespace
