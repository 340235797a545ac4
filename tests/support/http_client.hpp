#pragma once

#include "tests/support/loopback_listener.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace bpx::test {

/// A TCP client that says exactly what it is told, HTTP or not. Every call gives up after the
/// deadline.
class HttpClient {
 public:
  /// `endpoint` is `ADDRESS:PORT`.
  explicit HttpClient(const std::string& endpoint)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto colon = endpoint.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
    set_deadline(socket_);
    if (::inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &address.sin_addr) != 1 ||
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect to " + endpoint);
  }
  HttpClient(HttpClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  HttpClient& operator=(HttpClient&&) = delete;
  ~HttpClient() { ::close(socket_); }

  /// False where the other side has gone.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// What comes up to and with `end`, and what has come with it; less where the connection ends
  /// first.
  std::string read_until(std::string_view end) {
    std::string text;
    std::array<char, 16'384> bytes{};
    while (text.find(end) == std::string::npos) {
      const auto count = ::recv(socket_, bytes.data(), bytes.size(), 0);
      if (count <= 0) break;
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

  /// What comes until the other side closes.
  std::string read_all() { return read_until(std::string_view("\0", 1)); }

  /// Asks for `path`; what comes back, head and body.
  static std::string get(const std::string& endpoint, std::string_view path) {
    HttpClient client(endpoint);
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nConnection: close\r\n\r\n");
    return client.read_all();
  }

 private:
  int socket_;
};

}  // namespace bpx::test
