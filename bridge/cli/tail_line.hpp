#pragma once

#include "proto/message_header.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::bridge::cli {

/// One message as `tail` received it.
struct TailMessage {
  std::string_view topic;
  std::string_view payload;
  proto::MessageHeader header;
  std::int64_t arrived_ns = 0;  ///< Unix ns, here
};

/// Lays messages out in columns: time, topic, sequence, lag, payload.
class TailLine {
 public:
  struct Options {
    bool has_colour = false;
    std::size_t width = 0;  ///< of the terminal, in characters; the payload is cut to it; 0: never
  };

  explicit TailLine(Options options) : options_(options) {}

  /// Without the line break. Columns widen as longer topics come, never shrink.
  std::string format(const TailMessage& message);

 private:
  Options options_;
  std::size_t topic_width_ = 12;
};

/// A duration for a person: `873 µs`, `12.4 ms`, `3.2 s`, with a sign where negative.
std::string format_lag(std::int64_t ns);

}  // namespace bpx::bridge::cli
