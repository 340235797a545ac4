/// A load source: says pre-encoded messages of the captured shapes over TLS, at a set pace. Prints
/// a line of JSON with its address, and one for each command on stdin:
///
///   state                       how many streams have been subscribed to, on which connection, and
///                               how many messages have been said
///   filler RATE                 from now on, unmeasured messages; 0: none
///   go RATE|max BURST COUNT [apart]
///                               COUNT numbered messages, a burst in one TLS record or in one each;
///                               answered once the last is written
///   drop                        cuts the connection; answered with the time of that, Unix ns

#include "tests/bench/load/client.hpp"
#include "tests/exchange/listener.hpp"
#include "tests/exchange/tls_credentials.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <istream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace bpx;
using bench::Pace;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

std::int64_t unix_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

void answer(const std::string& json) { std::cout << json << std::endl; }

class Source {
 public:
  Source(asio::io_context& loop, bool deflate)
      : loop_(loop),
        deflate_(deflate),
        credentials_({"127.0.0.1"}),
        listener_(loop, "127.0.0.1", 0, [this](asio::ip::tcp::socket socket) {
          asio::co_spawn(loop_, serve(std::move(socket)), asio::detached);
        }) {
    programme_.on_measured = [this] { report(); };
  }

  const std::string& ca_pem() const { return credentials_.ca_pem(); }
  std::uint16_t port() const { return listener_.port(); }

  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string command, rate, records;
    std::uint64_t burst = 1, count = Pace::kForever;
    words >> command >> rate;
    const auto newest = client_.lock();
    if (command == "state") {
      const bool deflates = newest && newest->deflates();
      answer(R"({"streams":)" + std::to_string(programme_.repertoire.size()) + R"(,"connection":)" +
             std::to_string(connections_) + R"(,"deflates":)" + (deflates ? "true" : "false") +
             R"(,"said":)" + std::to_string(programme_.said) + '}');
    } else if (command == "drop") {
      answer(R"({"dropped_ns":)" + std::to_string(unix_ns()) + '}');
      if (newest) newest->drop();
    } else if (command == "filler") {
      programme_.filler =
          rate == "0" ? Pace() : Pace(std::stod(rate), 1, count, Pace::Clock::now());
      answer("{}");
    } else if (command == "go" && words >> burst >> count && burst > 0 && count > 0) {
      const bool is_max = rate == "max";
      programme_.is_apart = words >> records && records == "apart";
      programme_.measured_bytes = 0;
      began_ = Pace::Clock::now();
      programme_.measured = Pace(is_max ? std::numeric_limits<double>::infinity() : std::stod(rate),
                                 is_max ? count : burst, count, began_);
    } else {
      answer(R"({"fault":"what is that?"})");
    }
    if (newest) newest->wake();
  }

 private:
  asio::awaitable<void> serve(asio::ip::tcp::socket socket) {
    constexpr std::chrono::seconds kPatience{10};
    auto transport =
        std::make_shared<exchange::Transport>(std::move(socket), &credentials_.context());
    auto end = co_await exchange::serve_http(
        transport, [](const exchange::HttpRequest& request) { return rest(request); }, kPatience,
        [](bool) { return std::string(); });
    if (!end.upgrade) co_return;
    const auto client =
        std::make_shared<bench::Client>(++connections_, std::move(transport), programme_, deflate_);
    client_ = client;
    co_await client->run(std::move(*end.upgrade));
  }

  static exchange::HttpAnswer rest(const exchange::HttpRequest& request) {
    if (request.path != "/api/v1/time") return {.status = 404};
    return {.content_type = "text/plain", .body = std::to_string(unix_ns() / 1'000'000)};
  }

  void report() const {
    const std::chrono::duration<double> took = Pace::Clock::now() - began_;
    answer(R"({"last":)" + std::to_string(programme_.measured_before) + R"(,"seconds":)" +
           std::to_string(took.count()) + R"(,"bytes":)" +
           std::to_string(programme_.measured_bytes) + '}');
  }

  asio::io_context& loop_;
  bool deflate_;
  exchange::TlsCredentials credentials_;
  bench::Programme programme_;
  std::uint64_t connections_ = 0;
  std::weak_ptr<bench::Client> client_;  ///< the newest
  Pace::Clock::time_point began_{};
  exchange::Listener listener_;
};

/// Until stdin ends.
asio::awaitable<void> obey_stdin(asio::io_context& loop, Source& source) {
  asio::posix::stream_descriptor input(loop, ::dup(STDIN_FILENO));
  asio::streambuf buffer;
  std::istream lines(&buffer);
  std::string line;
  for (;;) {
    const auto [error, size] = co_await asio::async_read_until(input, buffer, '\n', kResult);
    if (error) break;
    std::getline(lines, line);
    source.obey(line);
  }
  loop.stop();
}

}  // namespace

int main(int argc, char** argv) {
  const bool deflate = argc == 3 && std::string(argv[2]) == "--deflate";
  if (argc != 2 && !deflate) {
    std::cerr << "usage: load-source CA_FILE [--deflate]\n";
    return 2;
  }
  try {
    asio::io_context loop(1);
    Source source(loop, deflate);
    std::ofstream(argv[1]) << source.ca_pem() << std::flush;
    answer(R"({"port":)" + std::to_string(source.port()) + '}');
    asio::co_spawn(loop, obey_stdin(loop, source), asio::detached);
    loop.run();
  } catch (const std::exception& failure) {
    std::cerr << "load-source: " << failure.what() << '\n';
    return 1;
  }
}
