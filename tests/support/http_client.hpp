#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace bpx::test {

/// A TCP client that says exactly what it is told, HTTP or not.
class HttpClient {
 public:
  /// `endpoint` is `ADDRESS:PORT`.
  explicit HttpClient(const std::string& endpoint) {
    const auto colon = endpoint.rfind(':');
    socket_->connect({boost::asio::ip::make_address(endpoint.substr(0, colon)),
                      static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1)))});
  }

  /// False where the other side has gone.
  bool send(std::string_view text) {
    boost::system::error_code error;
    boost::asio::write(*socket_, boost::asio::buffer(text.data(), text.size()), error);
    return !error;
  }

  /// What comes up to and with `end`; less where the connection ends first.
  std::string read_until(std::string_view end) {
    std::string text;
    boost::system::error_code error;
    boost::asio::read_until(*socket_, boost::asio::dynamic_buffer(text), std::string(end), error);
    return text;
  }

  /// What comes until the other side closes.
  std::string read_all() { return read_until(std::string(1, '\0')); }

  /// Asks for `path`; what comes back, head and body.
  static std::string get(const std::string& endpoint, std::string_view path) {
    HttpClient client(endpoint);
    client.send("GET " + std::string(path) + " HTTP/1.1\r\nConnection: close\r\n\r\n");
    return client.read_all();
  }

 private:
  std::unique_ptr<boost::asio::io_context> loop_ = std::make_unique<boost::asio::io_context>(1);
  std::unique_ptr<boost::asio::ip::tcp::socket> socket_ =
      std::make_unique<boost::asio::ip::tcp::socket>(*loop_);
};

}  // namespace bpx::test
