#include "tests/exchange/simulated_exchange.hpp"

#include "tests/exchange/venue.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>

namespace bpx::exchange {
namespace asio = boost::asio;

/// The thread and what runs on it. Declared in the order in which all of it may be taken down from
/// below: the thread first, then the venue, then what it refers to.
class SimulatedExchange::Loop {
 public:
  explicit Loop(ExchangeOptions given)
      : options(std::move(given)),
        ledger(options.record_limit),
        venue(context, options, ledger),
        ca_pem(venue.ca_pem()),
        thread_([this] { context.run(); }) {}

  // Posting throws where there is no memory left; then there is no way on.
  // NOLINTNEXTLINE(bugprone-exception-escape)
  ~Loop() {
    asio::post(context, [this] { venue.stop(); });
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  const ExchangeOptions options;
  Ledger ledger;
  asio::io_context context{1};
  Venue venue;
  const std::string ca_pem;

 private:
  std::thread thread_;
};

namespace {

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

SharedMessage raw(std::string text) {
  return std::make_shared<const Message>(Message{.stream = {}, .text = std::move(text)});
}

}  // namespace

SimulatedExchange::SimulatedExchange(ExchangeOptions options)
    : loop_(std::make_unique<Loop>(std::move(options))) {
  if (!loop_->options.ca_file.empty()) write_file(loop_->options.ca_file, loop_->ca_pem);
}

SimulatedExchange::~SimulatedExchange() = default;

std::string SimulatedExchange::websocket_url() const {
  return (loop_->options.tls ? "wss://" : "ws://") + loop_->options.host_name + ':' +
         std::to_string(port());
}

std::string SimulatedExchange::rest_url() const {
  return (loop_->options.tls ? "https://" : "http://") + loop_->options.host_name + ':' +
         std::to_string(port());
}

std::uint16_t SimulatedExchange::port() const { return loop_->venue.port(); }
std::uint16_t SimulatedExchange::control_port() const { return loop_->venue.control_port(); }
const std::string& SimulatedExchange::ca_pem() const { return loop_->ca_pem; }

void SimulatedExchange::publish(std::string stream, std::string data_json) {
  asio::post(loop_->context, [loop = loop_.get(), frame = Frame{.stream = std::move(stream),
                                                                .data = std::move(data_json)}] {
    loop->venue.publish(frame);
  });
}

void SimulatedExchange::publish_all(std::vector<Frame> frames) {
  asio::post(loop_->context, [loop = loop_.get(), frames = std::move(frames)] {
    for (const Frame& frame : frames) loop->venue.publish(frame);
  });
}

void SimulatedExchange::send_raw(std::string text) {
  asio::post(loop_->context, [loop = loop_.get(), message = raw(std::move(text))] {
    loop->venue.broadcast(message);
  });
}

void SimulatedExchange::send_raw_binary(std::string bytes) {
  asio::post(loop_->context, [loop = loop_.get(), message = raw(std::move(bytes))] {
    loop->venue.broadcast_binary(message);
  });
}

void SimulatedExchange::script_depth(std::string symbol, std::string body) {
  asio::post(loop_->context,
             [loop = loop_.get(), symbol = std::move(symbol), body = std::move(body)]() mutable {
               loop->venue.script_depth(symbol, std::move(body));
             });
}

std::string SimulatedExchange::whole_depth(const std::string& symbol) const {
  std::packaged_task<std::string()> tell([&] { return loop_->venue.whole_depth(symbol); });
  auto told = tell.get_future();
  asio::post(loop_->context, [tell = std::move(tell)]() mutable { tell(); });
  return told.get();
}

void SimulatedExchange::apply(const Fault& fault) {
  std::packaged_task<void()> inflict([&] { loop_->venue.apply(fault); });
  auto begun = inflict.get_future();
  asio::post(loop_->context, [inflict = std::move(inflict)]() mutable { inflict(); });
  begun.get();
}

void SimulatedExchange::shut_down() {
  apply(fault::Refuse{});
  apply(fault::Shutdown{});
  wait_for_open_connections(0, loop_->options.close_grace);
}

bool SimulatedExchange::wait_for_connections(std::uint64_t accepted,
                                             std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(deadline, [&](const Counters& counters, const Ledger::Newest&) {
    return counters.connections >= accepted;
  });
}

bool SimulatedExchange::wait_for_open_connections(std::uint64_t open,
                                                  std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(deadline, [&](const Counters& counters, const Ledger::Newest&) {
    return counters.open_connections == open;
  });
}

bool SimulatedExchange::wait_for(const std::function<bool(const Counters&)>& holds,
                                 std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(
      deadline, [&](const Counters& counters, const Ledger::Newest&) { return holds(counters); });
}

bool SimulatedExchange::wait_for_subscription(const std::string& stream,
                                              std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(deadline, [&](const Counters&, const Ledger::Newest& newest) {
    return newest.subscriptions.contains(stream);
  });
}

bool SimulatedExchange::wait_for_subscriptions(std::size_t count,
                                               std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(deadline, [&](const Counters&, const Ledger::Newest& newest) {
    return newest.subscriptions.size() >= count;
  });
}

bool SimulatedExchange::wait_for_exactly(const std::set<std::string>& streams,
                                         std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(deadline, [&](const Counters&, const Ledger::Newest& newest) {
    return newest.subscriptions == streams;
  });
}

bool SimulatedExchange::wait_for_requests(std::uint64_t count,
                                          std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(deadline, [&](const Counters& counters, const Ledger::Newest&) {
    return counters.requests >= count;
  });
}

bool SimulatedExchange::wait_for_sent(std::uint64_t count,
                                      std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait(deadline, [&](const Counters& counters, const Ledger::Newest&) {
    return counters.frames_sent >= count;
  });
}

bool SimulatedExchange::wait_for_sent(std::string_view text,
                                      std::chrono::milliseconds deadline) const {
  return loop_->ledger.wait_for_sent(text, deadline);
}

std::vector<std::string> SimulatedExchange::subscriptions() const {
  const auto newest = loop_->ledger.newest();
  return {newest.subscriptions.begin(), newest.subscriptions.end()};
}

std::vector<ReceivedRequest> SimulatedExchange::requests() const {
  return loop_->ledger.requests();
}

std::vector<SentFrame> SimulatedExchange::sent() const { return loop_->ledger.sent_frames(); }
Counters SimulatedExchange::counters() const { return loop_->ledger.counters(); }
bool SimulatedExchange::deflate_negotiated() const { return loop_->ledger.newest().deflate; }

std::uint16_t SimulatedExchange::client_close_code() const {
  return loop_->ledger.client_close_code();
}

}  // namespace bpx::exchange
