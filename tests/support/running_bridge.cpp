#include "tests/support/running_bridge.hpp"

#include "bridge/config/validate.hpp"
#include "proto/signing_key.hpp"
#include "tests/support/http_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kStatus = "bridge.status";

bridge::CurveKeys curve_keys(const bridge::Config& config) {
  bridge::Problems problems;
  auto keys = bridge::load_curve_keys(config, problems);
  for (const auto& problem : problems) ADD_FAILURE() << to_line(problem);
  return keys;
}

}  // namespace

std::optional<bridge::Credentials> guide_credentials() {
  return bridge::Credentials{proto::SigningKey::from_base64(kSecretKey).value(), "test"};
}

bridge::Config test_config(const exchange::SimulatedExchange& exchange,
                           const TemporaryDirectory& directory, std::vector<std::string> streams) {
  bridge::Config config;
  config.upstream.url = exchange.websocket_url();
  config.upstream.rest_url = exchange.rest_url();
  if (!exchange.ca_pem().empty())
    config.upstream.ca_file = directory.write("ca.pem", exchange.ca_pem());
  config.upstream.streams = std::move(streams);
  config.upstream.data_timeout_ms = 0;
  config.upstream.canary = "";
  config.upstream.requests_per_second = 10'000;
  config.upstream.connect_timeout_ms = 3'600'000;
  config.upstream.window_ms = 60'000;
  config.upstream.backoff_initial_ms = 10;
  config.upstream.backoff_max_ms = 100;
  config.publish.public_.bind = {"tcp://127.0.0.1:0"};
  config.publish.private_.bind = {"tcp://127.0.0.1:0"};
  config.publish.heartbeat_ms = 20;
  config.publish.linger_ms = 60'000;
  config.http.bind = "127.0.0.1:0";
  config.log.level = "debug";
  return config;
}

RunningBridge::RunningBridge(const bridge::Config& config,
                             const bridge::Subscriptions::Timing& subscribing,
                             bridge::ProxyEnvironment proxies,
                             std::optional<bridge::Credentials> credentials)
    : next_(config),
      app_(config, std::move(credentials), curve_keys(config),
           {.log_sink = [this](bridge::LogLevel, std::string_view line) { take_line(line); },
            .proxies = std::move(proxies),
            .subscribing = subscribing,
            .read_again = [this] { return read_again(); }}),
      thread_([this] {
        app_.run(/*handles_signals=*/false);
        end_.set_value();
      }) {}

RunningBridge::~RunningBridge() { stop_soon(); }

void RunningBridge::stop_soon() {
  using namespace std::chrono_literals;
  if (!thread_.joinable()) return;
  app_.stop();
  // libzmq waits for a consumer that left a moment before as it does for one that reads slowly.
  if (end_.get_future().wait_for(1s) == std::future_status::timeout) app_.stop();
  thread_.join();
}

void RunningBridge::stop() {
  if (!thread_.joinable()) return;
  app_.stop();
  thread_.join();
}

void RunningBridge::reload(const bridge::Config& config) {
  {
    const std::lock_guard lock(mutex_);
    next_ = config;
  }
  app_.reload();
}

bridge::Reading RunningBridge::read_again() {
  const std::lock_guard lock(mutex_);
  bridge::Reading reading{.config = next_, .curve_keys = {}, .account_key = {}, .problems = {}};
  bridge::validate(reading.config, reading.problems);
  reading.curve_keys = bridge::load_curve_keys(reading.config, reading.problems);
  return reading;
}

std::string RunningBridge::page(std::string_view path) const {
  return HttpClient::get(http_endpoint(), path);
}

double RunningBridge::metric(std::string_view series) const {
  const auto text = page("/metrics");
  const auto line = "\nbackpack_bridge_" + std::string(series) + ' ';
  const auto at = text.find(line);
  if (at == std::string::npos) return std::numeric_limits<double>::quiet_NaN();
  return std::stod(text.substr(at + line.size()));
}

bool RunningBridge::wait_for_metric(std::string_view series, double value) const {
  return comes_true([&] { return metric(series) == value; });
}

bool RunningBridge::wait_for_page(std::string_view path, std::string_view text) const {
  return comes_true([&] { return page(path).find(text) != std::string::npos; });
}

bool RunningBridge::wait_for_log(std::string_view text, std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return logged_.wait_for(lock, deadline, [&] { return log_.find(text) != std::string::npos; });
}

std::string RunningBridge::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::string RunningBridge::whole_log() {
  stop_soon();
  EXPECT_TRUE(wait_for_log("INFO  stopped"));  // the last one
  return log();
}

void RunningBridge::take_line(std::string_view line) {
  const std::lock_guard lock(mutex_);
  log_.append(line).append("\n");
  logged_.notify_all();
}

ReadySubscriber::ReadySubscriber(const std::string& endpoint, std::vector<std::string> topics)
    : subscriber_(endpoint, [&] {
        topics.emplace_back(kStatus);
        return topics;
      }()) {
  // The status topic is subscribed to last: once a heartbeat comes, everything is in force.
  EXPECT_TRUE(wait_for_status("heartbeat")) << "the bridge does not publish";
}

std::optional<Message> ReadySubscriber::next(std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  while (auto message = subscriber_.receive(
             std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now())))) {
    if (message->topic != kStatus) return message;
    if (message->payload.find("heartbeat") == std::string::npos) status_.push_back(*message);
  }
  return std::nullopt;
}

std::vector<Message> ReadySubscriber::take(std::size_t count, std::chrono::milliseconds deadline) {
  std::vector<Message> messages;
  while (messages.size() < count) {
    auto message = next(deadline);
    if (!message) break;
    messages.push_back(std::move(*message));
  }
  return messages;
}

std::optional<Message> ReadySubscriber::wait_for_status(std::string_view text,
                                                        std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  while (auto message = subscriber_.receive(
             std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now())))) {
    if (message->topic != kStatus) continue;
    if (message->payload.find("heartbeat") == std::string::npos) status_.push_back(*message);
    if (message->payload.find(text) != std::string::npos) return message;
  }
  return std::nullopt;
}

}  // namespace bpx::test
