#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bpx::test {

/// A loopback port at which connecting is neither granted nor refused: its queue is full, and what
/// knocks is dropped without a word.
class BlackHole {
 public:
  explicit BlackHole(std::uint16_t port = 0, const char* address_text = "127.0.0.1") {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    ::inet_pton(AF_INET, address_text, &address_.sin_addr);
    auto* const address = reinterpret_cast<sockaddr*>(&address_);
    socklen_t size = sizeof address_;
    const int listener = open(SOCK_STREAM | SOCK_CLOEXEC);
    if (::bind(listener, address, size) != 0 || ::listen(listener, 0) != 0 ||
        ::getsockname(listener, address, &size) != 0)
      throw std::runtime_error("no port to listen on");
    // A queue of length 0 takes one or two, which depends on the kernel.
    for (int i = 0; i < 4; ++i)
      ::connect(open(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK), address, size);
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;
  ~BlackHole() {
    for (const int socket : sockets_) ::close(socket);
  }

  std::uint16_t port() const { return ntohs(address_.sin_port); }

 private:
  int open(int type) {
    sockets_.push_back(::socket(AF_INET, type, 0));
    return sockets_.back();
  }

  sockaddr_in address_{};
  std::vector<int> sockets_;
};

}  // namespace bpx::test
