#include "tests/exchange/market.hpp"

#include "tests/exchange/account.hpp"
#include "tests/exchange/order_ids.hpp"
#include "tests/exchange/random.hpp"
#include "tests/exchange/rest_bodies.hpp"
#include "tests/exchange/stream_catalogue.hpp"
#include "tests/exchange/symbol_market.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace bpx::exchange {

namespace {

/// Every symbol has one turn in this time. The turns are spread over it, so that thousands of
/// symbols do not all speak at once.
constexpr std::int64_t kRound = 200 * kMillisecond;

constexpr std::string_view kPositionUpdate = "account.positionUpdate";

}  // namespace

struct Market::State {
  explicit State(MarketOptions options);

  const SymbolMarket* find(std::string_view symbol) const;
  std::int64_t count() const { return static_cast<std::int64_t>(symbols.size()); }

  Random random;
  OrderIds order_ids;
  StreamCatalogue streams;
  std::vector<std::unique_ptr<SymbolMarket>> symbols;  // they stay where they are: others refer
  std::map<std::string, std::size_t, std::less<>> indices;
  Account account;
  std::int64_t next_turn_us;
  std::size_t next_to_turn = 0;
};

Market::State::State(MarketOptions options)
    : random(options.seed), account(options.symbols.size()), next_turn_us(options.start_us) {
  for (std::string& symbol : options.symbols) {
    Instrument instrument = make_instrument(symbols.size(), std::move(symbol), random);
    streams.list(instrument);
    indices.emplace(instrument.symbol, symbols.size());
    symbols.push_back(std::make_unique<SymbolMarket>(std::move(instrument), options.start_us,
                                                     options.levels, random, order_ids));
  }
}

const SymbolMarket* Market::State::find(std::string_view symbol) const {
  const auto found = indices.find(symbol);
  return found == indices.end() ? nullptr : symbols[found->second].get();
}

Market::Market(MarketOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Market::~Market() = default;

void Market::trade_or_quote(std::int64_t now_us, std::vector<Frame>& out) {
  if (state_->symbols.empty()) return;
  const auto pick = static_cast<std::size_t>(state_->random.below(state_->count()));
  SymbolMarket& symbol = *state_->symbols[pick];
  const EngineEvent& event = symbol.step(now_us, state_->random, state_->order_ids, out);
  state_->account.observe(symbol.instrument(), symbol.book(), event, now_us, state_->random, out);
}

void Market::tick(std::int64_t now_us, std::vector<Frame>& out) {
  if (state_->symbols.empty()) return;
  const std::int64_t between_turns = std::max<std::int64_t>(1, kRound / state_->count());
  // Whoever was not called for long has one round to catch up, not many.
  state_->next_turn_us = std::max(state_->next_turn_us, now_us - kRound);
  for (; state_->next_turn_us <= now_us; state_->next_turn_us += between_turns) {
    state_->symbols[state_->next_to_turn]->turn(now_us, state_->random, out);
    state_->next_to_turn = (state_->next_to_turn + 1) % state_->symbols.size();
  }
}

bool Market::has_stream(std::string_view name) const { return state_->streams.contains(name); }

std::vector<Frame> Market::on_subscribed(std::string_view name, std::int64_t now_us) const {
  std::vector<Frame> out;
  if (!name.starts_with(kPositionUpdate)) return out;
  for (const auto& symbol : state_->symbols) {
    const std::string& own = symbol->instrument().symbol;
    const bool concerned =
        name == kPositionUpdate ||
        (name.size() == kPositionUpdate.size() + 1 + own.size() && name.ends_with(own));
    if (!concerned) continue;
    state_->account.report_position(name, symbol->instrument(), symbol->book(), now_us, out);
  }
  return out;
}

std::string Market::markets_json() const {
  std::string out = "[";
  for (const auto& symbol : state_->symbols) {
    if (out.size() > 1) out += ',';
    out += listing(symbol->instrument());
  }
  return out += ']';
}

std::optional<std::string> Market::depth_json(std::string_view symbol, std::int64_t now_us,
                                              std::size_t limit) const {
  const SymbolMarket* market = state_->find(symbol);
  if (market == nullptr) return std::nullopt;
  return depth_body(market->instrument(), now_us, market->book(), limit);
}

}  // namespace bpx::exchange
