/// The third frame: written and read.

#include "proto/message_header.hpp"

#include <benchmark/benchmark.h>

namespace {

using bpx::proto::MessageHeader;

constexpr MessageHeader kHeader{.flags = 2,
                                .connection = 1,
                                .epoch_us = 1'788'367'430'000'000,
                                .sequence = 12'345,
                                .received_ns = 1'788'367'430'323'775'000,
                                .event_ns = 1'788'367'430'322'731'000,
                                .sent_ns = 1'788'367'430'323'776'000};

void header_encode(benchmark::State& state) {
  auto header = kHeader;
  for (auto _ : state) {
    ++header.sequence;
    benchmark::DoNotOptimize(header.encode());
  }
}
BENCHMARK(header_encode);

void header_decode(benchmark::State& state) {
  auto bytes = kHeader.encode();
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::DoNotOptimize(MessageHeader::decode(bytes));
  }
}
BENCHMARK(header_decode);

}  // namespace
