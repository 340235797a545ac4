#include "bridge/cli/process.hpp"

#include "bridge/cli/commands.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

/// With fewer, libzmq ends the process in the midst of its start.
constexpr rlim_t kFewestFiles = 36;

[[noreturn]] void terminate() {
  try {
    if (const auto failure = std::current_exception()) std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    // Nothing can be told of a word that does not arrive.
    [[maybe_unused]] const auto written =
        ::write(STDERR_FILENO, kOutOfMemory.data(), kOutOfMemory.size());
    _exit(kCannotRun);
  } catch (...) {
    __gnu_cxx::__verbose_terminate_handler();
  }
  std::abort();
}

}  // namespace

void keep_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", O_RDONLY);  // the lowest number is free
}

void outlive_full_files() { std::signal(SIGXFSZ, SIG_IGN); }

void end_where_memory_runs_out() { std::set_terminate(terminate); }

// The kernel hands core dumps to a collector whatever their size limit is, unless the process is
// not dumpable.
void seal_memory() {
  constexpr rlimit kNone{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &kNone);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void open_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < kFewestFiles)
    throw std::runtime_error("the limit of " + std::to_string(limit.rlim_cur) +
                             " file descriptors is less than the bridge itself needs; raise it "
                             "(LimitNOFILE, ulimit -n) to 64 or more");
}

}  // namespace bpx::bridge::cli
