#pragma once

#include "bridge/app.hpp"
#include "bridge/config/config.hpp"
#include "bridge/config/credentials.hpp"
#include "tests/exchange/simulated_exchange.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/subscriber.hpp"
#include "tests/support/temporary_directory.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bpx::test {

/// The key pair that the exchange's guide prints.
inline constexpr auto kSecretKey = "TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=";
inline constexpr auto kPublicKey = "5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=";

/// That pair.
std::optional<bridge::Credentials> guide_credentials();

/// For publish.linger_ms: what is published last reaches every consumer that is there to read it.
inline constexpr std::uint64_t kLingerMs = 60'000;

/// A configuration for tests: free ports, `exchange` as upstream, trusted through a file in
/// `directory`. What tests wait for comes within milliseconds; of what the bridge gives up on,
/// nothing does, however busy the machine is.
bridge::Config test_config(const exchange::SimulatedExchange& exchange,
                           const TemporaryDirectory& directory, std::vector<std::string> streams);

/// Some tests wait until what was refused is asked for again.
inline constexpr bridge::Subscriptions::Timing kSubscribing{
    .signature_retry = std::chrono::milliseconds(20),
    .retry_first = std::chrono::milliseconds(100)};

/// The whole bridge, run in this process on a thread of its own. Stops in order when destroyed,
/// without patience for consumers.
class RunningBridge {
 public:
  explicit RunningBridge(const bridge::Config& config,
                         const bridge::Subscriptions::Timing& subscribing = kSubscribing,
                         bridge::ProxyEnvironment proxies = {},
                         std::optional<bridge::Credentials> credentials = guide_credentials());
  ~RunningBridge();
  RunningBridge(const RunningBridge&) = delete;
  RunningBridge& operator=(const RunningBridge&) = delete;

  std::string public_endpoint() const { return app_.public_endpoints().front(); }
  std::string private_endpoint() const { return app_.private_endpoints().front(); }

  std::string http_endpoint() const { return app_.http_endpoint(); }

  /// What the bridge serves at `path`, head and body.
  std::string page(std::string_view path) const;

  /// The value of a series in /metrics; NaN where there is none. `series` goes without the prefix
  /// `backpack_bridge_`, with its labels.
  double metric(std::string_view series) const;

  /// Whether a series has `value`, or comes to in time.
  bool wait_for_metric(std::string_view series, double value) const;

  /// Whether what is served at `path` contains `text`, or comes to in time.
  bool wait_for_page(std::string_view path, std::string_view text) const;

  /// Has the bridge read its configuration again and find `config`.
  void reload(const bridge::Config& config);

  /// Asks for an orderly shutdown and waits until it is done, and consumers have got what is
  /// theirs.
  void stop();

  /// Whether a line of the log contains `text`, or comes to within the deadline.
  bool wait_for_log(std::string_view text, std::chrono::milliseconds deadline = kDeadline);

  /// What has been logged so far. A line may come later than other effects of its cause.
  std::string log() const;

  /// Stops the bridge; then all that it has logged.
  std::string whole_log();

 private:
  void stop_soon();
  void take_line(std::string_view line);
  bridge::Reading read_again();

  mutable std::mutex mutex_;
  std::condition_variable logged_;
  std::string log_;
  bridge::Config next_;  ///< what a reload finds
  bridge::App app_;
  std::promise<void> end_;
  std::thread thread_;
};

/// A consumer whose subscriptions are known to be in force: nothing published from now on escapes
/// it. What came before that is thrown away.
class ReadySubscriber {
 public:
  explicit ReadySubscriber(const std::string& endpoint, std::vector<std::string> topics = {""});

  void subscribe(const std::string& topic) { subscriber_.subscribe(topic); }
  void unsubscribe(const std::string& topic) { subscriber_.unsubscribe(topic); }

  /// The next message of the exchange; `bridge.status` is put aside.
  std::optional<Message> next(std::chrono::milliseconds deadline = kDeadline);

  /// `count` messages of the exchange, fewer only where the next one does not come in time.
  std::vector<Message> take(std::size_t count, std::chrono::milliseconds deadline = kDeadline);

  /// Waits for a `bridge.status` message whose payload contains `text`; the exchange's messages
  /// that come before it are thrown away.
  std::optional<Message> wait_for_status(std::string_view text,
                                         std::chrono::milliseconds deadline = kDeadline);

  /// Waits until the bridge has left; all that it has sent is then there. False where it does not.
  bool wait_for_end() { return subscriber_.wait_for_end(); }

  /// The `bridge.status` messages seen so far, heartbeats left out.
  const std::vector<Message>& status() const { return status_; }

 private:
  Subscriber subscriber_;
  std::vector<Message> status_;
};

}  // namespace bpx::test
