#pragma once

#include <cstddef>
#include <string_view>

namespace bpx::bridge::cli {

/// The answers to one request for a book, which goes to every endpoint: those that do not publish
/// the stream answer too, with nothing. Pure.
class BookAnswers {
 public:
  explicit BookAnswers(std::size_t endpoints) : awaited_(endpoints) {}

  /// Whether `payload` is the last word: a book, or nothing where every other endpoint has said so.
  bool settled_by(std::string_view payload) {
    has_come_ = true;
    return !payload.empty() || awaited_ <= 1 || --awaited_ == 0;
  }

  bool has_come() const { return has_come_; }

 private:
  std::size_t awaited_;
  bool has_come_ = false;
};

}  // namespace bpx::bridge::cli
