#pragma once

#include "bridge/config/environment.hpp"

#include <string>
#include <vector>

namespace bpx::test {

/// A process environment made of `NAME=value` texts.
class TestEnvironment {
 public:
  explicit TestEnvironment(std::vector<std::string> entries = {}) : entries_(std::move(entries)) {
    for (const auto& entry : entries_) pointers_.push_back(entry.c_str());
    pointers_.push_back(nullptr);
  }
  TestEnvironment(const TestEnvironment&) = delete;
  TestEnvironment& operator=(const TestEnvironment&) = delete;

  /// `file` is to live as long as what is returned.
  bridge::Environment view(const bridge::EnvFile& file = {}) const {
    return bridge::Environment(pointers_.data(), file);
  }

 private:
  std::vector<std::string> entries_;
  std::vector<const char*> pointers_;
};

}  // namespace bpx::test
