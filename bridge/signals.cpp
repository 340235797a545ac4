#include "bridge/signals.hpp"

#include <pthread.h>

#include <cstring>

namespace bpx::bridge {
namespace {

void change_mask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kSignals) sigaddset(&signals, signal);
  pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

std::string name_of(int signal) { return std::string("SIG") + sigabbrev_np(signal); }

void hold_signals() { change_mask(SIG_BLOCK); }

bool is_asked_to_end() {
  sigset_t waiting;
  sigemptyset(&waiting);
  sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1;
}

void release_signals() { change_mask(SIG_UNBLOCK); }

}  // namespace bpx::bridge
