/// What taking messages out of what TLS has decrypted costs: a buffer full of plain frames, as a
/// burst brings, and one frame at a time.

#include "bridge/upstream/frame_sieve.hpp"

#include "tests/bench/micro/captured.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace {

using namespace bpx;

/// Unmasked, final text frames, as the server sends them; each of the first captured shape.
std::string frames(std::int64_t count) {
  const auto text = bench::kCaptured.front().text;
  std::string wire;
  for (std::int64_t i = 0; i < count; ++i) {
    wire += {'\x81', '\x7e', static_cast<char>(text.size() >> 8U),
             static_cast<char>(text.size() & 0xffU)};
    wire += text;
  }
  return wire;
}

void frame_sieve(benchmark::State& state) {
  constexpr std::size_t kMaxMessageBytes = std::size_t{16} << 20U;
  bridge::FrameSieve sieve(kMaxMessageBytes);
  sieve.handshake_is_over(false);
  const auto wire = frames(state.range(0));
  for (auto _ : state) {
    for (std::string_view left(wire); !left.empty();) {
      const auto space = sieve.space();
      const auto size = std::min(space.size(), left.size());
      std::copy_n(left.begin(), size, space.begin());
      sieve.filled(size);
      left.remove_prefix(size);
      while (const auto message = sieve.take_message()) benchmark::DoNotOptimize(message->data());
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(frame_sieve)->Arg(1)->Arg(100);

}  // namespace
