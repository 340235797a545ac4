#pragma once

#include <string>
#include <string_view>

namespace bpx::bridge::cli {

/// What a person asks `tail` for: an exact topic, or a prefix followed by `*`. ZeroMQ itself knows
/// prefixes alone, so exactness is for the consumer to see to.
class TopicPattern {
 public:
  explicit TopicPattern(std::string_view text)
      : is_prefix_(text.ends_with('*')),
        text_(text.substr(0, text.size() - (is_prefix_ ? 1 : 0))) {}

  /// What to subscribe to.
  const std::string& subscription() const { return text_; }

  bool matches(std::string_view topic) const {
    return is_prefix_ ? topic.starts_with(text_) : topic == text_;
  }

 private:
  bool is_prefix_;
  std::string text_;
};

}  // namespace bpx::bridge::cli
