// A machine on which handing a message to ZeroMQ takes time: preloaded, it makes each frame wait
// for as many microseconds as the file that BPX_SLOWNESS_FILE names says at that moment, a signed
// 64-bit number.
#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

const volatile std::int64_t* map_slowness() {
  static constexpr std::int64_t kNone = 0;
  const char* path = std::getenv("BPX_SLOWNESS_FILE");
  const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return &kNone;
  void* mapped = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  return mapped == MAP_FAILED ? &kNone : static_cast<const volatile std::int64_t*>(mapped);
}

void wait_a_while() {
  static const volatile std::int64_t* const microseconds = map_slowness();
  if (*microseconds > 0) ::usleep(static_cast<useconds_t>(*microseconds));
}

}  // namespace

extern "C" {

int zmq_send(void* socket, const void* bytes, std::size_t size, int flags) {
  using Send = int (*)(void*, const void*, std::size_t, int);
  static const auto original = reinterpret_cast<Send>(::dlsym(RTLD_NEXT, "zmq_send"));
  wait_a_while();
  return original(socket, bytes, size, flags);
}

int zmq_msg_send(void* message, void* socket, int flags) {
  using Send = int (*)(void*, void*, int);
  static const auto original = reinterpret_cast<Send>(::dlsym(RTLD_NEXT, "zmq_msg_send"));
  wait_a_while();
  return original(message, socket, flags);
}
}
