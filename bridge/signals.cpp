#include "bridge/signals.hpp"

#include <pthread.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/signalfd.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

sigset_t all() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kSignals) sigaddset(&signals, signal);
  return signals;
}

void change_mask(int how) {
  const auto signals = all();
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

int open_signals() {
  const auto signals = all();
  const int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
  return descriptor;
}

int take_signal(int descriptor) {
  signalfd_siginfo taken{};
  const bool is_taken = read(descriptor, &taken, sizeof taken) == sizeof taken;
  return is_taken ? static_cast<int>(taken.ssi_signo) : 0;
}

void release_signals() { change_mask(SIG_UNBLOCK); }

}  // namespace bpx::bridge
