// The form of each frame, byte for byte. What is expected was captured from the exchange, except
// where a test's name says otherwise.

#include "tests/exchange/account_frames.hpp"
#include "tests/exchange/market_frames.hpp"
#include "tests/exchange/rest_bodies.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bpx::exchange {
namespace {

Instrument make_spot(std::string base, int price_decimals, int quantity_decimals) {
  Instrument instrument;
  instrument.symbol = base + "_USDC";
  instrument.base = std::move(base);
  instrument.quote = "USDC";
  instrument.price_decimals = price_decimals;
  instrument.quantity_decimals = quantity_decimals;
  return instrument;
}

Instrument make_sol() { return make_spot("SOL", 2, 2); }

Instrument make_perp() {
  Instrument instrument = make_sol();
  instrument.symbol = "SOL_USDC_PERP";
  instrument.is_perp = true;
  return instrument;
}

TEST(FrameForm, BookTickerIsAsCaptured) {
  OrderBook book(4'330'360'998);
  book.set(Side::bid, {9'896, 28'877, 1});
  book.set(Side::ask, {9'897, 3'970, 2});
  EXPECT_EQ(book_ticker_text(make_sol(), {1788367430323775, 1788367430322731}, book),
            R"({"A":"39.70","B":"288.77","E":1788367430323775,"T":1788367430322731,"a":"98.97",)"
            R"("b":"98.96","e":"bookTicker","s":"SOL_USDC","u":4330361000})");
}

TEST(FrameForm, DepthIsAsCaptured) {
  const std::array changes = {LevelChange{Side::bid, 21'407, 2'141},
                              LevelChange{Side::ask, 21'450, 13}};
  EXPECT_EQ(
      depth_text(make_sol(), {1736257764052341, 1736257764022406}, 1803724440, 1803724442, changes),
      R"({"E":1736257764052341,"T":1736257764022406,"U":1803724440,"a":[["214.50","0.13"]],)"
      R"("b":[["214.07","21.41"]],"e":"depth","s":"SOL_USDC","u":1803724442})");
}

TEST(FrameForm, DepthOfOneSideLeavesTheOtherEmpty) {
  const std::array changes = {LevelChange{Side::ask, 9'897, 3'970}};
  EXPECT_EQ(
      depth_text(make_sol(), {1788367430323782, 1788367430322731}, 4330361000, 4330361000, changes),
      R"({"E":1788367430323782,"T":1788367430322731,"U":4330361000,"a":[["98.97","39.70"]],)"
      R"("b":[],"e":"depth","s":"SOL_USDC","u":4330361000})");
}

TEST(FrameForm, DepthRemovesALevelWithZero) {
  const std::array changes = {LevelChange{Side::bid, 9'896, 0}};
  EXPECT_EQ(
      depth_text(make_sol(), {2, 1}, 7, 7, changes),
      R"({"E":2,"T":1,"U":7,"a":[],"b":[["98.96","0.00"]],"e":"depth","s":"SOL_USDC","u":7})");
}

TEST(FrameForm, TradeIsAsCaptured) {
  const Trade trade{341399899, Side::ask, 21'850, 7, 113782700596854784, 113782701997686784};
  EXPECT_EQ(trade_text(make_sol(), {1736186248745457, 1736186248744398}, trade),
            R"({"E":1736186248745457,"T":1736186248744398,"a":"113782701997686784",)"
            R"("b":"113782700596854784","e":"trade","m":true,"p":"218.50","q":"0.07",)"
            R"("s":"SOL_USDC","t":341399899})");
}

TEST(FrameForm, TickerIsAsCaptured) {
  const Candle day{10'087, 10'119, 9'738, 9'898, 1'508'956, 14'981'149'234, 6'796};
  EXPECT_EQ(ticker_text(make_sol(), 1788367430549233, day, 1),
            R"({"E":1788367430549233,"V":"1498114.9234","c":"98.98","e":"ticker","h":"101.19",)"
            R"("l":"97.38","n":6796,"o":"100.87","s":"SOL_USDC","v":"15089.56"})");
}

TEST(FrameForm, MarkPriceIsAsCaptured) {
  OrderBook book(0);
  book.set(Side::bid, {9'893, 1, 1});
  book.set(Side::ask, {9'895, 1, 2});
  EXPECT_EQ(mark_price_text(make_perp(), {1788367430422109, 1788367430421396}, book, 998'504, 125),
            R"({"E":1788367430422109,"T":1788367430421396,"e":"markPrice","f":"0.0000125",)"
            R"("i":"98.94998504","n":1788368400000,"p":"98.94","s":"SOL_USDC_PERP"})");
}

TEST(FrameForm, OrderAcceptedIsAsCaptured) {
  const OwnOrder own{{59887375336, Side::ask, 10'076, 20}, 0};
  EXPECT_EQ(
      order_accepted_text(make_spot("USDT", 4, 0), {1788368290063153, 1788368290062979}, own),
      R"({"E":1788368290063153,"O":"USER","Q":"20.1520","S":"Ask","T":1788368290062979,)"
      R"("V":"RejectTaker","X":"New","Z":"0","e":"orderAccepted","f":"GTC","i":"59887375336",)"
      R"("o":"LIMIT","p":"1.0076","q":"20","r":false,"s":"USDT_USDC","t":null,"y":true,"z":"0"})");
}

TEST(FrameForm, BalanceUpdateIsAsCaptured) {
  EXPECT_EQ(
      balance_text({1788368290063168, 1788368290062981}, "USDT", {1'000'000'000, 2'000'000'000}),
      R"({"A":"10","E":1788368290063168,"L":"20","S":"0","T":1788368290062981,"a":"USDT",)"
      R"("e":"balanceUpdate"})");
}

TEST(FrameForm, OrderFillAddsTheDocumentedFields) {
  const OwnOrder own{{42, Side::bid, 9'897, 100}, 40};
  const Trade trade{567, Side::ask, 9'897, 40, 42, 43};
  EXPECT_EQ(order_fill_text(make_sol(), {2, 1}, own, trade, 791'760),
            R"({"E":2,"L":"98.97","N":"USDC","O":"USER","Q":"98.9700","S":"Bid","T":1,)"
            R"("V":"RejectTaker","X":"PartiallyFilled","Z":"39.588","e":"orderFill","f":"GTC",)"
            R"("i":"42","l":"0.4","m":true,"n":"0.0079176","o":"LIMIT","p":"98.97","q":"1",)"
            R"("r":false,"s":"SOL_USDC","t":567,"y":true,"z":"0.4"})");
}

TEST(FrameForm, PositionUpdateHasTheDocumentedFields) {
  OrderBook book(0);
  book.set(Side::bid, {9'900, 1, 1});
  book.set(Side::ask, {9'901, 1, 2});
  Position position;
  position.fill(Side::ask, 10'000, 200);
  EXPECT_EQ(position_text(make_perp(), {2, 1}, "positionOpened", position, 567, book),
            R"({"B":"100","E":2,"M":"99.005","P":"1.99","Q":"2","T":1,"b":"100",)"
            R"("e":"positionOpened","f":"0.02","i":567,"l":"0","m":"0.0125","n":"198.01",)"
            R"("p":"0","q":"-2","s":"SOL_USDC_PERP"})");
}

TEST(FrameForm, KlineHasTheDocumentedFieldsAndTimesAsText) {
  const Candle candle{9'890, 9'900, 9'880, 9'895, 1'250, 12'368'750, 3};
  const Period minute{1'788'367'380'000'000, 1'788'367'440'000'000};
  EXPECT_EQ(kline_text(make_sol(), 1788367440001000, minute, candle, true),
            R"({"E":1788367440001000,"T":"2026-09-02T16:44:00","X":true,"c":"98.95","e":"kline",)"
            R"("h":"99.00","l":"98.80","n":3,"o":"98.90","s":"SOL_USDC",)"
            R"("t":"2026-09-02T16:43:00","v":"12.50"})");
}

TEST(FrameForm, KlineWithoutTradesHasNoPrices) {
  const Period minute{1'788'367'380'000'000, 1'788'367'440'000'000};
  EXPECT_EQ(kline_text(make_sol(), 5, minute, {}, false),
            R"({"E":5,"T":"2026-09-02T16:44:00","X":false,"c":null,"e":"kline","h":null,"l":null,)"
            R"("n":0,"o":null,"s":"SOL_USDC","t":"2026-09-02T16:43:00","v":"0"})");
}

TEST(FrameForm, OpenInterestAndLiquidationHaveTheDocumentedFields) {
  EXPECT_EQ(open_interest_text(make_perp(), 5, 10'000),
            R"({"E":5,"e":"openInterest","o":"100","s":"SOL_USDC_PERP"})");
  EXPECT_EQ(liquidation_text(make_perp(), {5, 4}, Trade{1, Side::bid, 9'897, 150, 8, 9}),
            R"({"E":5,"S":"Bid","T":4,"e":"liquidation","p":"98.97","q":"1.50",)"
            R"("s":"SOL_USDC_PERP"})");
}

TEST(FrameForm, TheRestBookListsBothSidesByAscendingPrice) {
  OrderBook book(90);
  book.set(Side::ask, {102, 5, 1});
  book.set(Side::ask, {101, 4, 2});
  book.set(Side::bid, {99, 3, 3});
  book.set(Side::bid, {98, 2, 4});
  EXPECT_EQ(depth_body(make_sol(), 1694687965941000, book, 1000),
            R"({"asks":[["1.01","0.04"],["1.02","0.05"]],"bids":[["0.98","0.02"],["0.99","0.03"]],)"
            R"("lastUpdateId":"94","timestamp":1694687965941000})");
  EXPECT_EQ(depth_body(make_sol(), 1694687965941000, book, 1),
            R"({"asks":[["1.01","0.04"]],"bids":[["0.99","0.03"]],)"
            R"("lastUpdateId":"94","timestamp":1694687965941000})");
}

}  // namespace
}  // namespace bpx::exchange
