#pragma once

#include "proto/envelope.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::fuzz {

/// Reads a message as EnvelopeReader promises to, by another library, event by event. nlohmann
/// reads strictly, so that it says no to some of what EnvelopeReader need not look at.
class EnvelopeOracle : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// nullopt where `message` is no JSON.
  static std::optional<EnvelopeOracle> read(std::string_view message) {
    // nlohmann takes a NUL for the end, and reads over a byte order mark; neither is JSON.
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (message.find('\0') != std::string_view::npos || message.starts_with(kByteOrderMark))
      return std::nullopt;
    EnvelopeOracle oracle;
    if (!nlohmann::json::sax_parse(message, &oracle)) return std::nullopt;
    return oracle;
  }

  proto::Envelope::Kind kind() const {
    using Kind = proto::Envelope::Kind;
    if (!is_object_ || is_repeated_ || !stream_is_text_) return Kind::malformed;
    if (has(stream_member) && stream_.empty()) return Kind::malformed;
    if (has(stream_member) && has(data_member)) return Kind::data;
    if (has(error_member) && !error_is_null_) return Kind::error;
    if (has(id_member) && has(result_member)) return Kind::acknowledgement;
    const bool is_refusal = has(data_member) && !has(stream_member) && !has(error_member);
    return is_refusal && has_code_in_data_ ? Kind::error : Kind::malformed;
  }
  const std::string& stream() const { return stream_; }
  std::int64_t event_time_us() const { return event_time_us_; }
  std::optional<std::uint64_t> first_update_id() const { return first_update_id_; }
  std::optional<std::uint64_t> last_update_id() const { return last_update_id_; }
  std::optional<std::uint64_t> trade_id() const { return trade_id_; }

  bool null() override { return take({.is_null = true}); }
  bool boolean(bool) override { return take({}); }
  bool number_integer(std::int64_t value) override { return take({.whole = value}); }
  bool number_unsigned(std::uint64_t value) override {
    Value taken{.natural = value};
    if (value <= static_cast<std::uint64_t>(INT64_MAX))
      taken.whole = static_cast<std::int64_t>(value);
    return take(taken);
  }
  bool number_float(double, const std::string&) override { return take({}); }
  bool string(std::string& text) override { return take({.text = &text}); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override {
    if (depth_ == 0) is_object_ = true;
    take({});
    ++depth_;
    return true;
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    take({});
    ++depth_;
    if (depth_ == 2) is_in_data_object_ = false;
    return true;
  }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    if (depth_ == 1) top_ = name;
    if (depth_ == 1) note_member();
    if (depth_ == 2) within_ = name;
    if (depth_ == 2) is_in_data_object_ = top_ == "data";
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override {
    return false;
  }

 private:
  enum Member : std::uint8_t { data_member, stream_member, id_member, result_member, error_member };
  static constexpr std::array<std::string_view, 5> kMembers = {"data", "stream", "id", "result",
                                                               "error"};
  struct Value {
    std::optional<std::int64_t> whole = {};
    std::optional<std::uint64_t> natural = {};
    const std::string* text = nullptr;
    bool is_null = false;
  };

  bool has(Member member) const { return counts_.at(member) > 0; }

  void note_member() {
    for (std::size_t i = 0; i < kMembers.size(); ++i)
      if (top_ == kMembers.at(i) && ++counts_.at(i) > 1) is_repeated_ = true;
  }

  bool take(const Value& value) {
    if (depth_ == 1 && is_object_ && top_ == "stream") {
      stream_is_text_ = stream_is_text_ && value.text != nullptr;
      if (value.text != nullptr) stream_ = *value.text;
    }
    if (depth_ == 1 && is_object_ && top_ == "error") error_is_null_ = value.is_null;
    if (depth_ == 2 && is_in_data_object_) take_within_data(value);
    return true;
  }

  void take_within_data(const Value& value) {
    if (within_ == "code" && value.whole) has_code_in_data_ = true;
    if (within_ == "E") event_time_us_ = value.whole.value_or(0);
    if (within_ == "U") first_update_id_ = value.natural;
    if (within_ == "u") last_update_id_ = value.natural;
    if (within_ == "t") trade_id_ = value.natural;
  }

  bool leave() {
    --depth_;
    if (depth_ < 2) is_in_data_object_ = false;
    return true;
  }

  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool is_in_data_object_ = false;
  bool is_repeated_ = false;
  bool stream_is_text_ = true;
  bool error_is_null_ = false;
  bool has_code_in_data_ = false;
  std::string top_;     ///< the member of the message that is being read
  std::string within_;  ///< the member of that one's value
  std::array<int, 5> counts_{};
  std::string stream_;
  std::int64_t event_time_us_ = 0;
  std::optional<std::uint64_t> first_update_id_, last_update_id_, trade_id_;
};

}  // namespace bpx::fuzz
