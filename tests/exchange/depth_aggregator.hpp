#pragma once

#include "tests/exchange/cadence.hpp"
#include "tests/exchange/engine_event.hpp"
#include "tests/exchange/frame.hpp"
#include "tests/exchange/instrument.hpp"
#include "tests/exchange/order_book.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

struct DepthInterval {
  std::string_view name;
  std::int64_t period_us;
};

inline constexpr std::array kDepthIntervals = {
    DepthInterval{"200ms", 200 * kMillisecond},
    DepthInterval{"600ms", 600 * kMillisecond},
    DepthInterval{"1000ms", 1'000 * kMillisecond},
};

/// One aggregated depth stream: remembers which prices were touched and, when due, says what rests
/// there now.
class DepthAggregator {
 public:
  DepthAggregator(const DepthInterval& interval, const std::string& symbol, UpdateId update_id,
                  std::int64_t now_us);

  void note(std::span<const LevelChange> changes);

  /// One frame when a new period has begun and anything changed; `U` continues the last `u`.
  void publish_if_due(const Instrument& instrument, const OrderBook& book, Stamp stamp,
                      std::vector<Frame>& out);

 private:
  void drop_repetitions();

  std::string stream_;
  Cadence cadence_;
  UpdateId last_update_;
  /// The quantities are those of the moment of the change; only publishing looks up the latest.
  std::vector<LevelChange> touched_;
  std::size_t crowded_;
};

}  // namespace bpx::exchange
