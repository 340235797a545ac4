#include "bridge/publish/wakeup.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace bpx::bridge {

Wakeup::Wakeup() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Wakeup::~Wakeup() { ::close(descriptor_); }

void Wakeup::ring() noexcept { eventfd_write(descriptor_, 1); }

void Wakeup::wait(std::chrono::milliseconds longest) noexcept {
  pollfd bell{.fd = descriptor_, .events = POLLIN, .revents = 0};
  constexpr std::chrono::milliseconds::rep kHour = 3'600'000;
  const auto rings =
      poll(&bell, 1,
           static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(longest.count(), 0, kHour)));
  if (rings <= 0) return;
  eventfd_t rung = 0;
  eventfd_read(descriptor_, &rung);
}

}  // namespace bpx::bridge
