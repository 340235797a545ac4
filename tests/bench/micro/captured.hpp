#pragma once

#include "proto/envelope.hpp"

#include <array>
#include <string>
#include <string_view>

namespace bpx::bench {

struct Captured {
  const char* shape;
  std::string_view text;
};

/// The frames of the protocol's description, one of each shape.
inline constexpr std::array kCaptured{
    Captured{
        "bookTicker",
        R"({"data":{"A":"39.70","B":"288.77","E":1788367430323775,"T":1788367430322731,"a":"98.97","b":"98.96","e":"bookTicker","s":"SOL_USDC","u":4330361000},"stream":"bookTicker.SOL_USDC"})"},
    Captured{
        "depth",
        R"({"data":{"E":1788367430323782,"T":1788367430322731,"U":4330361000,"a":[["98.97","39.70"]],"b":[],"e":"depth","s":"SOL_USDC","u":4330361000},"stream":"depth.SOL_USDC"})"},
    Captured{
        "depth.200ms",
        R"({"data":{"E":1736257764052341,"T":1736257764022406,"U":1803724440,"a":[["214.50","0.13"]],"b":[["214.07","21.41"]],"e":"depth","s":"SOL_USDC","u":1803724442},"stream":"depth.200ms.SOL_USDC"})"},
    Captured{
        "trade",
        R"({"data":{"E":1736186248745457,"T":1736186248744398,"a":"113782701997686784","b":"113782700596854784","e":"trade","m":true,"p":"218.50","q":"0.07","s":"SOL_USDC","t":341399899},"stream":"trade.SOL_USDC"})"},
    Captured{
        "ticker",
        R"({"data":{"E":1788367430549233,"V":"1498114.9234","c":"98.98","e":"ticker","h":"101.19","l":"97.38","n":6796,"o":"100.87","s":"SOL_USDC","v":"15089.56"},"stream":"ticker.SOL_USDC"})"},
    Captured{
        "markPrice",
        R"({"data":{"E":1788367430422109,"T":1788367430421396,"e":"markPrice","f":"0.0000125","i":"98.94998504","n":1788368400000,"p":"98.94","s":"SOL_USDC_PERP"},"stream":"markPrice.SOL_USDC_PERP"})"},
    Captured{
        "orderUpdate",
        R"({"data":{"E":1788368290063153,"O":"USER","Q":"20.1520","S":"Ask","T":1788368290062979,"V":"RejectTaker","X":"New","Z":"0","e":"orderAccepted","f":"GTC","i":"59887375336","o":"LIMIT","p":"1.0076","q":"20","r":false,"s":"USDT_USDC","t":null,"y":true,"z":"0"},"stream":"account.orderUpdate"})"},
    Captured{
        "balanceUpdate",
        R"({"data":{"A":"10","E":1788368290063168,"L":"20","S":"0","T":1788368290062981,"a":"USDT","e":"balanceUpdate"},"stream":"account.balanceUpdate"})"},
};

/// A text followed by what the reader may look at.
class Padded {
 public:
  explicit Padded(std::string_view text)
      : text_(std::string(text) + std::string(proto::EnvelopeReader::kPadding, ' ')) {}
  std::string_view view() const {
    return std::string_view(text_).substr(0, text_.size() - proto::EnvelopeReader::kPadding);
  }

 private:
  std::string text_;
};

/// A depth message of so many levels.
inline std::string depth_of(std::size_t levels) {
  std::string text = R"({"data":{"E":1788367430323782,"T":1788367430322731,"U":4330361000,"a":[)";
  for (std::size_t i = 0; i < levels; ++i)
    text += i == 0 ? R"(["98.97","39.70"])" : R"(,["98.97","39.70"])";
  return text + R"(],"b":[],"e":"depth","s":"SOL_USDC","u":4330361000},"stream":"depth.SOL_USDC"})";
}

}  // namespace bpx::bench
