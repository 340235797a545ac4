#pragma once

#include "tests/support/loopback_listener.hpp"

#include <cstdint>
#include <string>

namespace bpx::test {

/// A loopback port that listens and never says a word: the kernel completes TCP, nothing completes
/// what comes after.
class SilentListener {
 public:
  std::uint16_t port() const { return listener_.port(); }

  /// What the first client that connects says first; empty where none does in time.
  std::string first_words() const {
    const int client = listener_.accept();
    if (client < 0) return {};
    std::string words(4096, '\0');
    const auto size = ::recv(client, words.data(), words.size(), 0);
    ::close(client);
    words.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return words;
  }

 private:
  LoopbackListener listener_;
};

}  // namespace bpx::test
