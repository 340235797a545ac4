// A wall clock that can be set while a program runs: preloaded, it adds to the true time what the
// file that BPX_CLOCK_FILE names says at that moment, a signed 64-bit number of nanoseconds.
// Monotonic clocks stay as they are. Unlike libfaketime it needs no file descriptor, which the
// program may have run out of, and a step takes effect at once.
#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;

const volatile std::int64_t* map_offset() {
  static constexpr std::int64_t kNone = 0;
  const char* path = std::getenv("BPX_CLOCK_FILE");
  const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return &kNone;
  void* mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  return mapped == MAP_FAILED ? &kNone : static_cast<const volatile std::int64_t*>(mapped);
}

int true_time(clockid_t clock, timespec* time) {
  using ClockGettime = int (*)(clockid_t, timespec*);
  static const auto original = reinterpret_cast<ClockGettime>(::dlsym(RTLD_NEXT, "clock_gettime"));
  return original(clock, time);
}

timespec wall_time(clockid_t clock) {
  static const volatile std::int64_t* const offset = map_offset();
  timespec time{};
  true_time(clock, &time);
  const std::int64_t ns = time.tv_sec * kNsPerS + time.tv_nsec + *offset;
  return {.tv_sec = ns / kNsPerS, .tv_nsec = ns % kNsPerS};
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return true_time(clock, time);
  *time = wall_time(clock);
  return 0;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  const timespec now = wall_time(CLOCK_REALTIME);
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* result) noexcept {
  const timespec now = wall_time(CLOCK_REALTIME);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}
}
