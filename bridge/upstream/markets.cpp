#include "bridge/upstream/markets.hpp"

#include "proto/stream_name.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;

/// Picks the symbols out of the list while it is read, and ends the reading where it is none. Of a
/// market that has several, the last one counts.
class MarketReader final : public nlohmann::json_sax<Json> {
 public:
  Symbols take() { return std::move(symbols_); }

  bool null() override { return is_other_value(); }
  bool boolean(bool) override { return is_other_value(); }
  bool number_integer(number_integer_t) override { return is_other_value(); }
  bool number_unsigned(number_unsigned_t) override { return is_other_value(); }
  bool number_float(number_float_t, const string_t&) override { return is_other_value(); }
  bool binary(binary_t&) override { return is_other_value(); }

  bool string(string_t& text) override {
    if (!is_other_value()) return false;
    if (is_symbol()) {
      has_symbol_ = true;
      symbol_ = std::move(text);
    }
    return true;
  }

  bool key(string_t& name) override {
    if (depth_ == kInMarket) is_symbol_next_ = name == "symbol";
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != kOutside && !is_other_value()) return false;
    ++depth_;
    return true;
  }

  bool end_array() override {
    --depth_;
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ == kInList)
      has_symbol_ = false;
    else if (!is_other_value())
      return false;
    ++depth_;
    return true;
  }

  bool end_object() override { return --depth_ != kInList || keep_symbol(); }

  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  static constexpr std::size_t kOutside = 0, kInList = 1, kInMarket = 2;

  bool is_symbol() const { return depth_ == kInMarket && is_symbol_next_; }

  /// Whether such may be here, where neither list nor market begins.
  bool is_other_value() {
    if (is_symbol()) has_symbol_ = false;
    return depth_ >= kInMarket;
  }

  bool keep_symbol() {
    if (!has_symbol_ || symbol_.size() > proto::kMaxStreamNameBytes) return false;
    symbols_.insert(std::move(symbol_));
    return symbols_.size() <= kMaxSymbols;
  }

  std::size_t depth_ = kOutside;
  bool is_symbol_next_ = false;  ///< the value that follows in the market
  bool has_symbol_ = false;      ///< the market, so far
  std::string symbol_;
  Symbols symbols_;
};

}  // namespace

std::optional<Symbols> parse_markets(std::string_view body) {
  MarketReader reader;
  if (!Json::sax_parse(body, &reader)) return std::nullopt;
  return reader.take();
}

}  // namespace bpx::bridge
