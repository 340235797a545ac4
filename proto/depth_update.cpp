#include "proto/depth_update.hpp"

#include "proto/decimal.hpp"
#include "proto/json_members.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace bpx::proto {
namespace {

namespace ondemand = simdjson::ondemand;

/// Which of the members that make a book were there.
struct Members {
  bool asks = false;
  bool bids = false;
  std::optional<std::uint64_t> first_id;
  std::optional<std::uint64_t> last_id;

  bool has_levels() const { return asks || bids; }
};

/// Characters of a price or a quantity; 128 bits with a point are 40.
constexpr std::size_t kMaxDecimal = 64;

simdjson::error_code read_decimal(simdjson::simdjson_result<ondemand::value> value,
                                  std::string_view& text) {
  if (const auto error = value.get_string().get(text)) return error;
  return text.size() > kMaxDecimal || !is_decimal(text) ? simdjson::NUMBER_ERROR
                                                        : simdjson::SUCCESS;
}

simdjson::error_code read_level(ondemand::array pair, PriceLevel& level) {
  std::size_t count = 0;
  for (auto element : pair) {
    if (count == 2) return simdjson::INCORRECT_TYPE;
    auto& text = count++ == 0 ? level.price : level.quantity;
    if (const auto error = read_decimal(element, text)) return error;
  }
  return count == 2 ? simdjson::SUCCESS : simdjson::INCORRECT_TYPE;
}

simdjson::error_code read_levels(ondemand::value value, std::vector<PriceLevel>& levels,
                                 bool& is_there) {
  bool is_null = false;
  if (const auto error = value.is_null().get(is_null)) return error;
  if (is_null) return simdjson::SUCCESS;
  if (is_there) return simdjson::INCORRECT_TYPE;  // a member that comes twice has no one meaning
  is_there = true;
  ondemand::array pairs;
  if (const auto error = value.get_array().get(pairs)) return error;
  for (auto element : pairs) {
    ondemand::array pair;
    if (const auto error = element.get_array().get(pair)) return error;
    if (const auto error = read_level(pair, levels.emplace_back())) return error;
  }
  return simdjson::SUCCESS;
}

simdjson::error_code read_horizon(ondemand::value value, DepthSnapshot& snapshot) {
  ondemand::object sides;
  if (const auto error = value.get_object().get(sides)) return error;
  return for_each_member(sides, [&](std::string_view key, ondemand::value price) {
    if (key != "asks" && key != "bids") return simdjson::SUCCESS;
    auto& horizon = key == "asks" ? snapshot.ask_horizon : snapshot.bid_horizon;
    if (horizon) return simdjson::INCORRECT_TYPE;
    return read_decimal(std::move(price), horizon.emplace());
  });
}

/// An id of REST: text, or a number should the exchange ever say it like the streams do.
std::optional<std::uint64_t> id_of(ondemand::value value) {
  std::string_view text;
  if (value.get_string().get(text)) return unsigned_integer(value);
  std::uint64_t id = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return id;
}

/// Whether the text ends where its outermost object does.
bool is_at_end(ondemand::document& document) {
  const char* rest = nullptr;
  return document.current_location().get(rest) != simdjson::SUCCESS;
}

simdjson::error_code read_data(ondemand::value value, DepthUpdate& update, Members& members) {
  ondemand::object data;
  if (const auto error = value.get_object().get(data)) return error;
  return for_each_member(data, [&](std::string_view key, ondemand::value member) {
    if (key == "a") return read_levels(member, update.asks, members.asks);
    if (key == "b") return read_levels(member, update.bids, members.bids);
    if (key == "U") members.first_id = unsigned_integer(member);
    if (key == "u") members.last_id = unsigned_integer(member);
    return simdjson::SUCCESS;
  });
}

}  // namespace

struct DepthReader::Parser {
  ondemand::parser ondemand;

  /// Opens the object that `text` is, and keeps it in `document`.
  simdjson::error_code open(std::string_view text, ondemand::document& document,
                            ondemand::object& object) {
    if (const auto error = fault_of_text(
            ondemand.iterate(text.data(), text.size(), text.size() + kPadding).get(document)))
      return error;
    return document.get_object().get(object);
  }
};

static_assert(DepthReader::kPadding >= simdjson::SIMDJSON_PADDING);

DepthReader::DepthReader() : parser_(std::make_unique<Parser>()) {}
DepthReader::~DepthReader() = default;
DepthReader::DepthReader(DepthReader&&) noexcept = default;
DepthReader& DepthReader::operator=(DepthReader&&) noexcept = default;

const DepthUpdate* DepthReader::read_update(std::string_view message) {
  update_.asks.clear();
  update_.bids.clear();
  Members members;
  ondemand::document document;
  ondemand::object object;
  if (parser_->open(message, document, object)) return nullptr;
  const auto error = for_each_member(object, [&](std::string_view key, ondemand::value value) {
    return key == "data" ? read_data(value, update_, members) : simdjson::SUCCESS;
  });
  if (error || !is_at_end(document) || !members.has_levels()) return nullptr;
  if (!members.first_id || !members.last_id || *members.last_id < *members.first_id) return nullptr;
  update_.first_update_id = *members.first_id;
  update_.last_update_id = *members.last_id;
  return &update_;
}

const DepthSnapshot* DepthReader::read_snapshot(std::string_view body) {
  snapshot_.asks.clear();
  snapshot_.bids.clear();
  snapshot_.ask_horizon.reset();
  snapshot_.bid_horizon.reset();
  Members members;
  ondemand::document document;
  ondemand::object object;
  if (parser_->open(body, document, object)) return nullptr;
  const auto error = for_each_member(object, [&](std::string_view key, ondemand::value value) {
    if (key == "asks") return read_levels(value, snapshot_.asks, members.asks);
    if (key == "bids") return read_levels(value, snapshot_.bids, members.bids);
    if (key == "lastUpdateId") members.last_id = id_of(value);
    if (key == "horizon") return read_horizon(value, snapshot_);
    return simdjson::SUCCESS;
  });
  if (error || !is_at_end(document) || !members.asks || !members.bids || !members.last_id)
    return nullptr;
  snapshot_.last_update_id = *members.last_id;
  return &snapshot_;
}

}  // namespace bpx::proto
