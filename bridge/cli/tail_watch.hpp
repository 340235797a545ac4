#pragma once

#include "proto/message_header.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bpx::bridge::cli {

/// What `tail` notices beside the messages themselves: messages lost on the way here, a bridge that
/// was restarted or lost the exchange, silence and what may be behind it. Pure: told what arrives,
/// it says what is worth a remark.
class TailWatch {
 public:
  /// A message that is printed. Returns a remark to print before it, if there is one.
  std::optional<std::string> on_message(std::string_view topic, const proto::MessageHeader& header);

  /// A message of `bridge.status`. Returns a remark, if the event is worth one.
  std::optional<std::string> on_status(std::string_view payload);

  /// Nothing to print has come for a while: why that might be. `endpoints` and `topics` are what
  /// the person asked for, as text.
  std::string explain_silence(std::string_view endpoints, std::string_view topics) const;

 private:
  std::uint64_t newest_epoch_us_ = 0;
  /// By epoch too: several bridges may be watched at once.
  std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> sequences_;
  std::string state_;  ///< as the bridge last told it; empty before
};

}  // namespace bpx::bridge::cli
