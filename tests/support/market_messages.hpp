#pragma once

#include "proto/envelope.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::test {

/// What an exchange says of some markets, message by message, as fast as it can be written: trades,
/// tickers, and depth whose prices stay within a band about the middle. In shape and size like the
/// captured frames. No market at all, but as much of one as memory and time can tell.
class MarketMessages {
 public:
  /// For ticks: every update tells a price that was never told before, and takes none back.
  static constexpr std::uint32_t kEverNew = 0;

  /// `ticks`: prices on each side of each book. `prefix` begins the names of the symbols.
  MarketMessages(std::size_t symbols, std::uint32_t ticks, const std::string& prefix = "S")
      : ids_(symbols), trades_(symbols), ticks_(ticks) {
    for (std::size_t i = 0; i < symbols; ++i) {
      const auto symbol = prefix + std::to_string(i) + "_USDC";
      for (const auto* type : {"depth.", "trade.", "bookTicker."})
        streams_.push_back(type + symbol);
      depth_streams_.push_back("depth." + symbol);
      symbols_.push_back(symbol);
    }
  }

  const std::vector<std::string>& streams() const { return streams_; }
  const std::vector<std::string>& depth_streams() const { return depth_streams_; }

  /// Of depth_streams()[symbol].
  std::uint64_t last_update_id(std::size_t symbol) const { return ids_[symbol]; }

  /// The next message, with the padding that the relay asks for behind it; valid until the next.
  std::string_view next() {
    const auto symbol = random_() % symbols_.size();
    switch (random_() % 4) {
      case 0: return trade(symbol);
      case 1: return ticker(symbol);
      default: return depth(symbol);
    }
  }

 private:
  std::string_view depth(std::size_t symbol) {
    const auto id = static_cast<unsigned long long>(++ids_[symbol]);
    const auto chance = static_cast<unsigned>(random_());
    const bool is_ask = chance % 2 == 0;
    const auto tick = ticks_ == kEverNew ? 0 : chance / 2 % ticks_;
    // A better price each time, on either side, which costs least; or one of the band, where every
    // second or so rests.
    const auto price = ticks_ == kEverNew ? (is_ask ? 9'000'000'000'000 - id : id)
                                          : (is_ask ? 1'000'001ULL + tick : 1'000'000ULL - tick);
    const auto quantity = ticks_ == kEverNew ? 1 : chance / 100 % 2 * (chance % 1'000);
    char level[64];
    print(level, sizeof level, R"(["%llu.%02llu","%u.00"])", price / 100, price % 100, quantity);
    return write(
        R"({"data":{"E":1788367430323782,"T":1788367430322731,"U":%llu,"a":[%s],"b":[%s],"e":"depth","s":"%s","u":%llu},"stream":"depth.%s"})",
        id, is_ask ? level : "", is_ask ? "" : level, symbols_[symbol].c_str(), id,
        symbols_[symbol].c_str());
  }

  std::string_view trade(std::size_t symbol) {
    return write(
        R"({"data":{"E":1736186248745457,"T":1736186248744398,"a":"113782701997686784","b":"113782700596854784","e":"trade","m":true,"p":"218.50","q":"0.07","s":"%s","t":%llu},"stream":"trade.%s"})",
        symbols_[symbol].c_str(), static_cast<unsigned long long>(++trades_[symbol]),
        symbols_[symbol].c_str());
  }

  std::string_view ticker(std::size_t symbol) {
    return write(
        R"({"data":{"A":"39.70","B":"288.77","E":1788367430323775,"T":1788367430322731,"a":"98.97","b":"98.96","e":"bookTicker","s":"%s","u":%llu},"stream":"bookTicker.%s"})",
        symbols_[symbol].c_str(), static_cast<unsigned long long>(ids_[symbol]),
        symbols_[symbol].c_str());
  }

  template <typename... Values>
  std::string_view write(const char* format, Values... values) {
    return {text_, print(text_, kLongest, format, values...)};
  }

  template <typename... Values>
  static std::size_t print(char* to, std::size_t room, const char* format, Values... values) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return static_cast<std::size_t>(std::snprintf(to, room, format, values...));
#pragma GCC diagnostic pop
  }

  static constexpr std::size_t kLongest = 512;

  std::vector<std::string> streams_;
  std::vector<std::string> depth_streams_;
  std::vector<std::string> symbols_;
  std::vector<std::uint64_t> ids_;     ///< of the last update of each book
  std::vector<std::uint64_t> trades_;  ///< of each symbol, which an exchange numbers without holes
  std::uint32_t ticks_;
  std::minstd_rand random_{1};
  char text_[kLongest + proto::EnvelopeReader::kPadding] = {};
};

}  // namespace bpx::test
