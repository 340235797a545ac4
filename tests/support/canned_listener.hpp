#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

namespace bpx::test {

/// A port of a loopback address that says the same to everybody who has said something, and hangs
/// up.
class CannedListener {
 public:
  explicit CannedListener(std::string answer, std::uint16_t port = 0,
                          const char* address = "127.0.0.1")
      : answer_(std::move(answer)),
        acceptor_(loop_, {boost::asio::ip::make_address_v4(address), port}),
        thread_([this] { serve(); }) {}
  CannedListener(const CannedListener&) = delete;
  CannedListener& operator=(const CannedListener&) = delete;
  ~CannedListener() {
    is_over_ = true;
    boost::system::error_code ignored;
    boost::asio::ip::tcp::socket wake(loop_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    wake.close(ignored);
    thread_.join();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  void serve() {
    while (!is_over_) {
      boost::system::error_code error;
      auto socket = acceptor_.accept(error);
      std::array<char, 16'384> heard{};
      if (!error) socket.read_some(boost::asio::buffer(heard), error);
      if (!error) boost::asio::write(socket, boost::asio::buffer(answer_), error);
    }
  }

  std::string answer_;
  std::atomic<bool> is_over_ = false;
  boost::asio::io_context loop_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
};

}  // namespace bpx::test
