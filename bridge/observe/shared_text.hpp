#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace bpx::bridge {

/// A text that one thread sets, now and then, and any thread reads.
class SharedText {
 public:
  void set(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }

  std::string get() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;  // a text cannot be atomic; never taken on the way of a message
  std::string text_;
};

}  // namespace bpx::bridge
