#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace bpx::test {

/// The server's end of a connection to it, which blocks. What goes wrong throws.
class NatsPeer {
 public:
  explicit NatsPeer(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  void say(std::string_view text) { boost::asio::write(socket_, boost::asio::buffer(text)); }

  /// What has come up to and with `end`; empty where the connection ended before.
  std::string hear(std::string_view end) {
    boost::system::error_code error;
    const auto size =
        boost::asio::read_until(socket_, boost::asio::dynamic_buffer(heard_), end, error);
    if (error) return {};
    auto text = heard_.substr(0, size);
    heard_.erase(0, size);
    return text;
  }

  /// As a server does whom nothing troubles. Returns what the client said of itself.
  std::string greet(std::string_view info = R"({"headers":true,"max_payload":1048576})") {
    say("INFO " + std::string(info) + "\r\n");
    auto introduction = hear("PING\r\n");
    say("PONG\r\n");
    return introduction;
  }

  /// One message, as publications and requests are written.
  struct Heard {
    std::string subject;
    std::string reply;
    std::string headers;
    std::string text;
  };
  Heard hear_message() {
    std::istringstream line(hear("\r\n"));  // HPUB <subject> <reply> <size> <size>, or PUB with one
    std::string verb;
    Heard heard;
    line >> verb >> heard.subject >> heard.reply;
    if (verb == "HPUB") heard.headers = hear("\r\n\r\n");
    heard.text = hear("\r\n");
    heard.text.resize(heard.text.size() - std::min<std::size_t>(heard.text.size(), 2));
    return heard;
  }

  void answer(const Heard& to, std::string_view text) {
    say("MSG " + to.reply + " 1 " + std::to_string(text.size()) + "\r\n" + std::string(text) +
        "\r\n");
  }

  /// Until the client has gone: the lines that it said before.
  std::vector<std::string> wait_for_end() {
    std::vector<std::string> lines;
    for (auto line = hear("\n"); !line.empty(); line = hear("\n")) lines.push_back(line);
    return lines;
  }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::string heard_;
};

/// Takes connections one after the other, on a thread of its own, and does with each what its
/// script wants, with those beyond the last script the same again. The client has to be gone when
/// this ends.
class ScriptedNats {
 public:
  using Script = std::function<void(NatsPeer&)>;

  explicit ScriptedNats(Script script) : ScriptedNats(std::vector{std::move(script)}) {}
  explicit ScriptedNats(std::vector<Script> scripts)
      : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}),
        port_(acceptor_.local_endpoint().port()),
        thread_([this, scripts = std::move(scripts)] {
          for (std::size_t connection = 0; !is_over_; ++connection) {
            NatsPeer peer(acceptor_.accept());
            if (!is_over_) run(scripts[std::min(connection, scripts.size() - 1)], peer);
          }
        }) {}
  ScriptedNats(const ScriptedNats&) = delete;
  ScriptedNats& operator=(const ScriptedNats&) = delete;
  ~ScriptedNats() {
    is_over_ = true;
    boost::system::error_code ignored;
    boost::asio::ip::tcp::socket(io_).connect(acceptor_.local_endpoint(ignored), ignored);
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

 private:
  static void run(const Script& script, NatsPeer& peer) try {
    script(peer);
  } catch (const boost::system::system_error&) {  // the client has gone before it was told all
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

}  // namespace bpx::test
