#include "bridge/cli/interrupt.hpp"

#include <csignal>

namespace bpx::bridge::cli {
namespace {

// A signal handler can reach nothing but globals.
volatile std::sig_atomic_t interrupted = 0;

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool is_interrupted() { return interrupted != 0; }

}  // namespace bpx::bridge::cli
