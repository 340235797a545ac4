/// JetStream as it is to the bridge on a machine of its own: what is published is said to be stored
/// at once, and is stored nowhere, so that it takes next to nothing of this one. One client after
/// the other. Says its port on stdout and goes on until it is killed.

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kInfo =
    "INFO {\"server_id\":\"bench\",\"headers\":true,\"max_payload\":1048576}\r\n";
constexpr std::string_view kStreamInfo = R"({"config":{"name":"BACKPACK"}})";

/// The words of a line, from the last to the first.
class LastWords {
 public:
  explicit LastWords(std::string_view line) : line_(line) {}

  std::string_view next() {
    const auto space = line_.rfind(' ');
    if (space == line_.npos) throw std::runtime_error("a line is too short");
    const auto word = line_.substr(space + 1);
    line_ = line_.substr(0, space);
    return word;
  }

 private:
  std::string_view line_;
};

class Client {
 public:
  explicit Client(tcp::socket socket) : socket_(std::move(socket)) {
    socket_.set_option(tcp::no_delay(true));
  }

  /// Until it has gone.
  void serve() {
    asio::write(socket_, asio::buffer(kInfo));
    boost::system::error_code end;
    while (!end) {
      const auto bytes =
          socket_.read_some(asio::buffer(said_.data() + size_, said_.size() - size_), end);
      size_ += bytes;
      take();
      if (!end) asio::write(socket_, asio::buffer(answers_), end);
      answers_.clear();
    }
  }

 private:
  void take() {
    std::string_view rest(said_.data(), size_);
    while (const auto bytes = take_one(rest)) rest.remove_prefix(bytes);
    if (rest.size() == said_.size()) throw std::runtime_error("a message is too long");
    std::copy(rest.begin(), rest.end(), said_.begin());
    size_ = rest.size();
  }

  /// Returns of how many bytes it was; 0 where they are not all there.
  std::size_t take_one(std::string_view said) {
    const auto line_bytes = said.find(kLineEnd);
    if (line_bytes == said.npos) return 0;
    const auto line = said.substr(0, line_bytes);
    if (line == "PING") answers_.append("PONG").append(kLineEnd);
    const bool has_headers = line.starts_with("HPUB ");
    if (!has_headers && !line.starts_with("PUB ")) return line_bytes + kLineEnd.size();
    LastWords words(line);
    const auto size = words.next();
    std::size_t content_bytes = 0;
    std::from_chars(size.data(), size.data() + size.size(), content_bytes);
    const auto bytes = line_bytes + content_bytes + 2 * kLineEnd.size();
    if (said.size() < bytes) return 0;
    if (has_headers) words.next();
    const auto reply_to = words.next();
    answer(reply_to, words.next().starts_with("$JS.API.") ? kStreamInfo : stored());
    return bytes;
  }

  std::string_view stored() {
    stored_ = R"({"stream":"BACKPACK", "seq":)" + std::to_string(++stored_messages_) + '}';
    return stored_;
  }

  void answer(std::string_view to, std::string_view text) {
    answers_.append("MSG ").append(to).append(" 1 ").append(std::to_string(text.size()));
    answers_.append(kLineEnd).append(text).append(kLineEnd);
  }

  static constexpr std::size_t kMostSaid = std::size_t{2} << 20U;

  tcp::socket socket_;
  std::vector<char> said_ = std::vector<char>(kMostSaid);
  std::size_t size_ = 0;
  std::string answers_;
  std::string stored_;
  std::uint64_t stored_messages_ = 0;
};

}  // namespace

int main() try {
  asio::io_context io;
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  std::cout << acceptor.local_endpoint().port() << std::endl;
  for (;;) Client(acceptor.accept()).serve();
} catch (const std::exception& error) {
  std::cerr << "load-jetstream: " << error.what() << '\n';
  return 1;
}
