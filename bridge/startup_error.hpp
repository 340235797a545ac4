#pragma once

#include <stdexcept>

namespace bpx::bridge {

/// The program cannot run although its configuration is valid: a port is taken, memory is short.
/// The text names the key or resource and what to do; never a secret. Leads to exit status 1.
class StartupError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace bpx::bridge
