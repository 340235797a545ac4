/// What a kept book costs the relaying thread: one update of a depth stream, read and applied to a
/// book of so many levels a side; and what an answer costs.

#include "bridge/relay/book_sync.hpp"
#include "proto/depth_update.hpp"

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

namespace {

using namespace bpx;

std::string decimal(std::int64_t cents) {
  const auto fraction = std::to_string(100 + cents % 100).substr(1);
  return std::to_string(cents / 100) + '.' + fraction;
}

std::string pairs(const std::vector<std::string>& prices, const std::string& quantity) {
  std::string text;
  for (const auto& price : prices)
    text += (text.empty() ? "[\"" : ",[\"") + price + "\",\"" + quantity + "\"]";
  return '[' + text + ']';
}

/// Messages that change a level near the middle each, as most do, and now and then one far away.
std::vector<std::string> messages(std::int64_t levels) {
  std::mt19937 random(1);
  std::geometric_distribution<std::int64_t> near(0.2);
  std::vector<std::string> texts;
  for (std::uint64_t id = 1; id <= 4'096; ++id) {
    const auto distance =
        random() % 16 == 0 ? static_cast<std::int64_t>(random()) % levels : near(random) % levels;
    const bool is_ask = random() % 2 == 0;
    const auto level =
        pairs({decimal(is_ask ? 50'001 + distance : 50'000 - distance)},
              random() % 3 == 0 ? "0.00" : decimal(static_cast<std::int64_t>(random() % 10'000)));
    texts.push_back(R"({"data":{"E":1788367430323782,"T":1788367430322731,"U":)" +
                    std::to_string(id) + R"(,"a":)" + (is_ask ? level : "[]") + R"(,"b":)" +
                    (is_ask ? "[]" : level) + R"(,"e":"depth","s":"SOL_USDC","u":)" +
                    std::to_string(id) + R"(},"stream":"depth.SOL_USDC"})" +
                    std::string(proto::DepthReader::kPadding, ' '));
  }
  return texts;
}

bridge::OrderBook full_book(std::int64_t levels) {
  std::vector<std::string> asks, bids;
  for (std::int64_t i = 0; i < levels; ++i) {
    asks.push_back(decimal(50'001 + i));
    bids.push_back(decimal(50'000 - i));
  }
  proto::DepthReader reader;
  const auto body = R"({"asks":)" + pairs(asks, "12.34") + R"(,"bids":)" + pairs(bids, "12.34") +
                    R"(,"lastUpdateId":"0"})" + std::string(proto::DepthReader::kPadding, ' ');
  return bridge::OrderBook(*reader.read_snapshot(body));
}

void book_update(benchmark::State& state) {
  const auto texts = messages(state.range(0));
  auto book = full_book(state.range(0));
  proto::DepthReader reader;
  std::size_t next = 0;
  for (auto _ : state) {
    const std::string_view text(texts[next++ % texts.size()]);
    book.apply(*reader.read_update(text.substr(0, text.size() - proto::DepthReader::kPadding)));
  }
}
BENCHMARK(book_update)->Arg(100)->Arg(1'000)->Arg(5'000);

/// A price worse than all others comes and goes, in a book as large as any that is kept.
void book_worst_price(benchmark::State& state) {
  auto book = full_book(bridge::OrderBook::kMaxLevels - 1);
  const proto::DepthUpdate there{.first_update_id = 1,
                                 .last_update_id = 1,
                                 .asks = {{.price = "99999", .quantity = "1"}},
                                 .bids = {}};
  const proto::DepthUpdate gone{.first_update_id = 1,
                                .last_update_id = 1,
                                .asks = {{.price = "99999", .quantity = "0"}},
                                .bids = {}};
  for (auto _ : state) {
    book.apply(there);
    book.apply(gone);
  }
}
BENCHMARK(book_worst_price);

void depth_read(benchmark::State& state) {
  const auto texts = messages(100);
  proto::DepthReader reader;
  std::size_t next = 0;
  for (auto _ : state) {
    const std::string_view text(texts[next++ % texts.size()]);
    benchmark::DoNotOptimize(
        reader.read_update(text.substr(0, text.size() - proto::DepthReader::kPadding)));
  }
}
BENCHMARK(depth_read);

void book_answer(benchmark::State& state) {
  const auto book = full_book(state.range(0));
  std::string json;
  for (auto _ : state) {
    json.clear();
    book.append_json(json, 1, 1);
    benchmark::DoNotOptimize(json.data());
  }
}
BENCHMARK(book_answer)->Arg(100)->Arg(1'000)->Arg(5'000);

}  // namespace
