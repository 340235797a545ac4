#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/credentials.hpp"
#include "bridge/config/curve_settings.hpp"
#include "bridge/config/proxy.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/reloading.hpp"
#include "bridge/upstream/subscriptions.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bpx::bridge {

/// The whole server: builds every part in order, runs, and takes everything down in order.
class App {
 public:
  /// What no operator sets.
  struct Options {
    LogSink log_sink = {};                       ///< stderr where empty
    ProxyEnvironment proxies = {};               ///< where upstream.proxy is empty
    Subscriptions::Timing subscribing = {};      ///< when to ask again for what was refused
    std::string foreign_variables = {};          ///< names, warned of: they look like the bridge's
    std::chrono::milliseconds close_grace{500};  ///< for the exchange to answer a Close frame
    /// The configuration, for reload(). Called by the relaying thread.
    std::function<Reading()> read_again = {};
  };

  /// `config` must be valid. Binds all endpoints. Throws StartupError where something cannot be
  /// had.
  App(const Config& config, std::optional<Credentials> credentials, const CurveKeys& curve_keys,
      Options options);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// The endpoints as bound, with the ports that the system chose.
  std::vector<std::string> public_endpoints() const;
  std::vector<std::string> private_endpoints() const;
  std::string http_endpoint() const;  ///< `ADDRESS:PORT`

  /// Relays until stop() or, where `handles_signals`, SIGTERM or SIGINT; then shuts down in order.
  /// SIGHUP does what reload() does. Signals are to be held, see signals.hpp, and stay so. The
  /// calling thread is the one that relays.
  void run(bool handles_signals);

  /// Reads the configuration again and puts in force what may change. Thread safe.
  void reload();

  /// Asked a second time, it waits for nobody any longer. Thread safe.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bpx::bridge
