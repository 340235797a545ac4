#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bpx::bench {

/// What a load message carries for whoever receives it: in `E`, as the exchange does, when it was
/// sent (Unix µs), and in `T`, whose value nobody depends on, which message it is. Both have 16
/// digits in every message, so that writing them anew costs nothing else.
struct Stamp {
  static constexpr std::size_t kDigits = 16;
  /// `T` of the nth message that is measured, n from 1, is kMeasured + n; of one that fills the
  /// time before and after, it is kFiller and the number of the source's connection.
  static constexpr std::uint64_t kMeasured = 1'000'000'000'000'000;
  static constexpr std::uint64_t kFiller = 2'000'000'000'000'000;

  std::uint64_t sent_us = 0;
  std::uint64_t mark = 0;

  std::optional<std::uint64_t> number() const {
    return mark < kFiller && mark > kMeasured ? std::optional(mark - kMeasured) : std::nullopt;
  }
  std::optional<std::uint64_t> connection() const {
    return mark >= kFiller ? std::optional(mark - kFiller) : std::nullopt;
  }
};

inline void put_digits(char* at, std::size_t width, std::uint64_t value) {
  for (std::size_t i = width; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

inline std::uint64_t read_digits(std::string_view digits) {
  std::uint64_t value = 0;
  for (const char digit : digits) value = value * 10 + static_cast<std::uint64_t>(digit - '0');
  return value;
}

/// nullopt where `text` is no message of the load source.
inline std::optional<Stamp> read_stamp(std::string_view text) {
  constexpr std::string_view kEvent = R"("E":)";
  constexpr std::string_view kEngine = R"(,"T":)";
  constexpr std::size_t kNear = 64;  // `E` is among the first members
  const auto event = text.substr(0, kNear).find(kEvent);
  if (event == std::string_view::npos) return std::nullopt;
  const auto sent = event + kEvent.size();
  const auto engine = sent + Stamp::kDigits;
  const auto mark = engine + kEngine.size();
  if (text.size() < mark + Stamp::kDigits || text.substr(engine, kEngine.size()) != kEngine)
    return std::nullopt;
  return Stamp{read_digits(text.substr(sent, Stamp::kDigits)),
               read_digits(text.substr(mark, Stamp::kDigits))};
}

}  // namespace bpx::bench
