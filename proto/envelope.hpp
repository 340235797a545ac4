#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace bpx::proto {

/// What the bridge needs to know of one text message of the exchange. The views are valid as long
/// as the message is there, and until the reader that made them reads again.
struct Envelope {
  enum class Kind : std::uint8_t {
    data,             ///< `{"data":…,"stream":"…"}`
    acknowledgement,  ///< an answer with `id` and without `error`
    error,            ///< an answer with `error`, or `{"data":{"code":429,…}}` without `stream`
    malformed,        ///< none of these, or no JSON
  };

  Kind kind = Kind::malformed;

  /// Of data: the stream's name, unescaped, never empty, otherwise as it came.
  std::string_view stream;
  /// Of data: event time `E` in Unix microseconds; 0 where it is absent, null or no integer.
  std::int64_t event_time_us = 0;
  /// Of data: what continuity is judged by, where present as non-negative integers. `U` and `u` are
  /// the first and last update of a depth message, `t` counts a symbol's trades.
  std::optional<std::uint64_t> first_update_id;
  std::optional<std::uint64_t> last_update_id;
  std::optional<std::uint64_t> trade_id;

  /// Of an acknowledgement or an error: the request's id, where the exchange echoes it.
  std::optional<std::uint64_t> request_id;
  /// Of an error, e.g. 4003 and "Invalid signature"; longer words are cut off.
  static constexpr std::size_t kMaxErrorMessageBytes = 200;
  std::int64_t error_code = 0;
  std::string_view error_message;
  /// Of malformed: why, for a log line. Never quotes the message, which may hold account data.
  std::string_view fault;
};

/// Reads envelopes without depending on the order of keys, white space or the set of fields. One
/// pass; allocates only for a message that is longer than 4 kB and all before it. It looks no
/// deeper than it must: what lies within `data` beside the members above is not checked. One thread
/// at a time.
///
/// A message in which `data`, `stream`, `id`, `result` or `error` stands twice is malformed. JSON
/// leaves open which of the two counts, and readers differ: what one takes for `trade.X` would be
/// `account.orderUpdate` to another, and go to everyone. Within `data` the last of two counts, as
/// most readers have it: nothing but a time or a number depends on it.
class EnvelopeReader {
 public:
  /// How many bytes behind a message must be readable (their value does not matter).
  static constexpr std::size_t kPadding = 64;

  EnvelopeReader();
  ~EnvelopeReader();
  EnvelopeReader(EnvelopeReader&&) noexcept;
  EnvelopeReader& operator=(EnvelopeReader&&) noexcept;
  EnvelopeReader(const EnvelopeReader&) = delete;
  EnvelopeReader& operator=(const EnvelopeReader&) = delete;

  /// `message` must be followed by kPadding readable bytes. Never throws on account of its content,
  /// but std::bad_alloc where there is no memory to read it.
  Envelope read(std::string_view message);

 private:
  struct Parser;

  std::string_view judge(std::string_view message, Envelope& envelope);

  std::unique_ptr<Parser> parser_;
};

}  // namespace bpx::proto
