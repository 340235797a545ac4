// What anybody may send to http.bind: the server itself, with the bridge's own pages, over TCP.
#include "bridge/clock.hpp"
#include "bridge/observe/http_server.hpp"
#include "bridge/observe/pages.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <charconv>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using bpx::fuzz::require;
using namespace bpx::bridge;

/// More than a server of pages needs to read before it answers or hangs up.
constexpr std::size_t kMaxInput = 64 * 1024;

class Server {
 public:
  Server() {
    measurements_.last_turn_steady_ns.set(steady_ns());
    asio::co_spawn(loop_, server_.run(), asio::detached);
  }

  /// All that comes back to a client that sends `request` and nothing more.
  std::string answers_to(std::string_view request) {
    auto client = connected();
    client.non_blocking(true);
    std::string answers;
    bool is_open = true;
    while (is_open) {
      send_some(client, request);
      loop_.poll();
      is_open = receive_some(client, answers);
    }
    client.close();
    loop_.poll();
    return answers;
  }

 private:
  /// From an address of its own: those who hang up first leave their port waiting for a minute, and
  /// there are more connections than ports.
  tcp::socket connected() {
    constexpr std::uint32_t kFirst = 0x7f010001;  // 127.1.0.1
    const auto endpoint = server_.endpoint();
    const auto port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
    boost::system::error_code error;
    do {  // again where libFuzzer's clock interrupts
      tcp::socket client(loop_, tcp::v4());
      client.bind({asio::ip::address_v4(kFirst + clients_++ % 0xffff), 0});
      client.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)}, error);
      if (!error) return client;
    } while (error == asio::error::interrupted);
    throw boost::system::system_error(error);
  }

  void send_some(tcp::socket& client, std::string_view& request) {
    if (is_all_sent_) return;
    boost::system::error_code error;
    const auto sent = client.send(asio::buffer(request), MSG_NOSIGNAL, error);
    request.remove_prefix(sent);
    if (error == asio::error::would_block || error == asio::error::interrupted) return;
    is_all_sent_ = error || request.empty();
    if (is_all_sent_) client.shutdown(tcp::socket::shutdown_send, error);
  }

  bool receive_some(tcp::socket& client, std::string& answers) {
    char bytes[16 * 1024];
    boost::system::error_code error;
    const auto received = client.receive(asio::buffer(bytes), 0, error);
    answers.append(bytes, received);
    const bool is_open =
        !error || error == asio::error::would_block || error == asio::error::interrupted;
    if (!is_open) is_all_sent_ = false;
    return is_open;
  }

  Log log_{{.level = LogLevel::error, .format = LogFormat::text, .sink = [](auto, auto) {}}};
  Measurements measurements_{{"trade.SOL_USDC", "account.orderUpdate"}};
  Pages pages_{measurements_, StatusContext{}, BuildInfo{}};
  asio::io_context loop_{1};
  HttpServer server_{loop_.get_executor(),
                     {},
                     [this](auto path) { return pages_.at(path); },
                     measurements_.http_refusals,
                     log_};
  bool is_all_sent_ = false;
  std::uint32_t clients_ = 0;
};

/// Removes one answer from the front and returns its status. That to HEAD is a head alone, and only
/// the server knows which one that was: then another answer follows at once, or nothing does.
unsigned pop_answer(std::string_view& answers, bool may_be_head) {
  constexpr std::string_view kBeginning = "HTTP/1.1 ";
  require(answers.starts_with(kBeginning), "an answer is HTTP");
  unsigned status = 0;
  const auto* const digits = answers.data() + kBeginning.size();
  std::from_chars(digits, answers.data() + answers.size(), status);
  const auto end = answers.find("\r\n\r\n");
  require(end != std::string_view::npos, "the head of an answer is whole");
  const auto head = answers.substr(0, end);
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const auto length_at = head.find(kLength);
  require(length_at != std::string_view::npos, "an answer says how long it is");
  std::size_t length = 0;
  std::from_chars(head.data() + length_at + kLength.size(), head.data() + head.size(), length);
  answers.remove_prefix(end + 4);
  if (may_be_head && (answers.empty() || answers.starts_with(kBeginning))) return status;
  require(answers.size() >= length, "an answer is as long as it says");
  answers.remove_prefix(length);
  return status;
}

bool is_documented(unsigned status) {
  for (const auto known : {200U, 400U, 404U, 405U, 413U, 431U, 503U})
    if (status == known) return true;
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static Server server;
  const auto request = bpx::fuzz::text_of(bytes, std::min(size, kMaxInput));
  const auto answers = server.answers_to(request);
  std::string_view rest = answers;
  const bool may_be_head = request.find("HEAD ") != std::string_view::npos;
  while (!rest.empty())
    require(is_documented(pop_answer(rest, may_be_head)), "a status is one of those in use");
  const auto livez = server.answers_to("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n");
  require(livez.starts_with("HTTP/1.1 200 ") || livez.starts_with("HTTP/1.1 503 "),
          "the server goes on serving");
  return 0;
}
