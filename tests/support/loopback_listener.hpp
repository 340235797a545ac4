#pragma once

#include "tests/support/deadline.hpp"

#include <cstdint>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace bpx::test {

/// Lets every call on `socket` give up after the deadline.
inline void set_deadline(int socket) {
  const timeval deadline{.tv_sec = kDeadline.count(), .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
}

/// A loopback port at which a test listens by system calls alone.
class LoopbackListener {
 public:
  /// 0: a port of the system's choice. Each address of 127.0.0.0/8 has ports of its own.
  explicit LoopbackListener(std::uint16_t port = 0, const char* address_text = "127.0.0.1")
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    ::inet_pton(AF_INET, address_text, &address_.sin_addr);
    socklen_t size = sizeof address_;
    auto* address = reinterpret_cast<sockaddr*>(&address_);
    if (socket_ < 0 || ::bind(socket_, address, size) != 0 || ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, address, &size) != 0)
      throw std::runtime_error("no port to listen on");
    set_deadline(socket_);
  }
  LoopbackListener(const LoopbackListener&) = delete;
  LoopbackListener& operator=(const LoopbackListener&) = delete;
  ~LoopbackListener() { ::close(socket_); }

  int descriptor() const { return socket_; }
  std::uint16_t port() const { return ntohs(address_.sin_port); }

  /// The next client, with a deadline of its own, to be closed; below 0 where none connects in
  /// time.
  int accept() const {
    const int client = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) set_deadline(client);
    return client;
  }

 private:
  int socket_;
  sockaddr_in address_{};
};

}  // namespace bpx::test
