#include "bridge/signals.hpp"

#include <pthread.h>

namespace bpx::bridge {
namespace {

void change_mask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kSignals) sigaddset(&signals, signal);
  pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void hold_signals() { change_mask(SIG_BLOCK); }

void release_signals() { change_mask(SIG_UNBLOCK); }

}  // namespace bpx::bridge
