#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bpx::proto {

/// What a consumer asks of the bridge by subscribing to a topic that only it knows. The answer is
/// published under exactly that topic, so that it reaches the asker alone and takes its place among
/// the live messages.
///
///     bridge.replay/<stream>/<from>/<id>    <from>: a sequence number, or `last`
///     bridge.book/<stream>/<id>
///
/// A view: valid while the topic that was parsed is.
struct ReplayRequest {
  enum class Kind : std::uint8_t {
    none,       ///< an ordinary subscription
    replay,     ///< of the messages of `stream` from sequence `from` on
    book,       ///< of the order book that the depth stream `stream` describes
    malformed,  ///< meant to be one of these; `fault` says what is wrong
  };

  /// The longest `<id>`, in characters.
  static constexpr std::size_t kMaxIdCharacters = 64;

  Kind kind = Kind::none;
  std::string_view stream;            ///< a valid stream name
  std::optional<std::uint64_t> from;  ///< of a replay: sequence; nothing for `last`
  std::string_view fault;             ///< in words for a person

  static ReplayRequest parse(std::string_view topic);
};

}  // namespace bpx::proto
