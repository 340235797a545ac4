#include "tests/support/running_bridge.hpp"

#include "proto/signing_key.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kStatus = "bridge.status";

std::optional<bridge::Credentials> guide_credentials() {
  return bridge::Credentials{proto::SigningKey::from_base64(kSecretKey).value(), "test"};
}

}  // namespace

bridge::Config test_config(const exchange::SimulatedExchange& exchange,
                           const TemporaryDirectory& directory, std::vector<std::string> streams) {
  bridge::Config config;
  config.upstream.url = exchange.websocket_url();
  config.upstream.rest_url = exchange.rest_url();
  if (!exchange.ca_pem().empty())
    config.upstream.ca_file = directory.write("ca.pem", exchange.ca_pem());
  config.upstream.streams = std::move(streams);
  config.upstream.backoff_initial_ms = 10;
  config.upstream.backoff_max_ms = 100;
  config.publish.public_.bind = {"tcp://127.0.0.1:0"};
  config.publish.private_.bind = {"tcp://127.0.0.1:0"};
  config.publish.heartbeat_ms = 20;
  config.http.bind = "127.0.0.1:0";
  config.log.level = "debug";
  return config;
}

RunningBridge::RunningBridge(const bridge::Config& config)
    : app_(config, guide_credentials(),
           {.log_sink = [this](bridge::LogLevel, std::string_view line) { take_line(line); },
            .subscribing = {.verdict_after = 150ms, .settle = 30ms, .signature_retry = 20ms}}),
      thread_([this] { app_.run(/*handles_signals=*/false); }) {}

RunningBridge::~RunningBridge() { stop(); }

void RunningBridge::stop() {
  if (!thread_.joinable()) return;
  app_.stop();
  thread_.join();
}

bool RunningBridge::wait_for_log(std::string_view text, std::chrono::milliseconds deadline) {
  std::unique_lock lock(mutex_);
  return logged_.wait_for(lock, deadline, [&] { return log_.find(text) != std::string::npos; });
}

std::string RunningBridge::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
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
