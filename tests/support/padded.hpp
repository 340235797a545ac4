#pragma once

#include "proto/envelope.hpp"

#include <string>
#include <string_view>

namespace bpx::test {

/// A text followed by the readable bytes that EnvelopeReader asks for.
class Padded {
 public:
  explicit Padded(std::string_view text) : size_(text.size()), buffer_(text) {
    buffer_.append(proto::EnvelopeReader::kPadding, '\0');
  }

  std::string_view view() const { return std::string_view(buffer_).substr(0, size_); }

 private:
  std::size_t size_;
  std::string buffer_;
};

}  // namespace bpx::test
