#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bpx::proto {

/// The longest stream name that is accepted, in bytes. The longest the exchange has is below 40.
inline constexpr std::size_t kMaxStreamNameBytes = 200;

/// A stream name such as `depth.200ms.SOL_USDC`, taken apart. A view: valid while the text that was
/// parsed is. The grammar is what the exchange's names have in common, not a list of known types:
/// new types appear without notice and are carried like the rest.
class StreamName {
 public:
  /// Parses `text`, or returns nullopt where `fault_of(text)` names a fault.
  static std::optional<StreamName> parse(std::string_view text);

  /// Why `text` is no stream name, in words for a person; nullopt if it is one.
  static std::optional<std::string_view> fault_of(std::string_view text);

  std::string_view text() const { return text_; }

  /// The first word: `depth` of `depth.200ms.SOL_USDC`, `account` of `account.orderUpdate`.
  std::string_view type() const;

  /// What stands between type and symbol: the aggregation of a depth stream (`200ms`), the interval
  /// of a kline (`1month`), the kind of an account stream (`orderUpdate`); empty where the type has
  /// none.
  std::string_view qualifier() const;

  /// The market: `SOL_USDC`, or with a dot of its own `AAPL.US_USDC`; empty where the name has
  /// none.
  std::string_view symbol() const;

  /// Whether the exchange demands a signature for it: the names below `account.`.
  bool is_private() const;

 private:
  explicit StreamName(std::string_view text) : text_(text) {}

  std::string_view text_;
};

/// Whether `stream` belongs to one account and must never reach a public endpoint. Unlike parsing
/// it errs on the side of secrecy: `account` alone counts as private too.
bool is_private_stream(std::string_view stream);

/// Whether `stream` delivers all the time while its market is open: `ticker` each second,
/// `markPrice` and `bookTicker` with every change.
bool is_ticking(std::string_view stream);

/// Whether `stream` is of a type that is documented or was captured. New types appear without
/// notice: one that is not may be good all the same.
bool is_of_known_type(std::string_view stream);

/// How the exchange numbers the messages of a stream, so that a gap can be told from silence.
enum class Numbering : std::uint8_t {
  none,
  updates,  ///< depth: `U` is the `u` of the message before it, plus one (seen on the wire)
  trades,   ///< trade: `t` counts up by one for each symbol (seen on the wire)
};
Numbering numbering_of(std::string_view stream);

/// Whether `stream` lies in the name space of the bridge's own topics (`bridge.status` …), which
/// nothing from the exchange may enter.
bool is_bridge_topic(std::string_view stream);

}  // namespace bpx::proto
