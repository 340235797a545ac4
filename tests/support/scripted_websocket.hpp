#pragma once

#include "tests/support/loopback_listener.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bpx::test {

/// A loopback port at which a test itself is the exchange: byte by byte, without TLS. It says what
/// one write holds, and hears only what it asks for. Every call gives up after the deadline.
class ScriptedWebSocket {
 public:
  /// As a LoopbackListener's.
  explicit ScriptedWebSocket(std::uint16_t port = 0, const char* address = "127.0.0.1")
      : listener_(port, address) {
    // Little room for what is not read: a client notices soon.
    const int room = 4096;
    ::setsockopt(listener_.descriptor(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }
  ScriptedWebSocket(const ScriptedWebSocket&) = delete;
  ScriptedWebSocket& operator=(const ScriptedWebSocket&) = delete;
  ~ScriptedWebSocket() { ::close(client_); }

  std::string url() const { return "ws://127.0.0.1:" + std::to_string(listener_.port()) + "/"; }

  /// Clients that connect from now on send in small segments: their kernel then holds little of
  /// what is not read here, whatever it may hold at most. Before, it may be millions of bytes.
  void keep_segments_small() {
    const int bytes = 536;
    ::setsockopt(listener_.descriptor(), IPPROTO_TCP, TCP_MAXSEG, &bytes, sizeof bytes);
  }

  /// Grants the next client a WebSocket with `extensions`; `frames` go out in the same write.
  /// False where none asks for one.
  bool accept(std::string_view extensions = {}, std::string_view frames = {}) {
    ::close(client_);
    client_ = listener_.accept();
    if (client_ < 0) return false;
    const int yes = 1;
    ::setsockopt(client_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    request_.clear();
    while (!request_.ends_with("\r\n\r\n")) {
      const auto heard = hear(1);
      if (heard.empty()) return false;
      request_ += heard;
    }
    auto answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        answer_to_key() + "\r\n";
    if (!extensions.empty())
      answer += "Sec-WebSocket-Extensions: " + std::string(extensions) + "\r\n";
    return say(answer + "\r\n" + std::string(frames));
  }

  /// Ends the connection without a word.
  void hang_up() { ::close(std::exchange(client_, -1)); }

  /// The head of what the client asked with.
  const std::string& request() const { return request_; }

  /// What the client has said, at most `size` bytes; empty where it says nothing.
  std::string hear(std::size_t size = 65'536) {
    std::string heard(size, '\0');
    const auto bytes = ::recv(client_, heard.data(), heard.size(), 0);
    heard.resize(bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
    return heard;
  }

  /// Writes `bytes`, at most `at_once` in one go. False where the client takes them no more.
  bool say(std::string_view bytes, std::size_t at_once = std::string_view::npos) {
    while (!bytes.empty()) {
      const auto sent =
          ::send(client_, bytes.data(), std::min(at_once, bytes.size()), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

 private:
  /// RFC 6455, 4.2.2.
  std::string answer_to_key() const {
    constexpr std::string_view kName = "Sec-WebSocket-Key: ";
    const auto begin = request_.find(kName) + kName.size();
    const auto text = request_.substr(begin, request_.find("\r\n", begin) - begin) +
                      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    std::size_t size = 0;
    ::EVP_Q_digest(nullptr, "SHA1", nullptr, text.data(), text.size(), digest.data(), &size);
    std::array<unsigned char, 2 * EVP_MAX_MD_SIZE> coded{};
    ::EVP_EncodeBlock(coded.data(), digest.data(), static_cast<int>(size));
    return reinterpret_cast<const char*>(coded.data());
  }

  LoopbackListener listener_;
  int client_ = -1;
  std::string request_;
};

}  // namespace bpx::test
