#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bpx::bridge {

/// Everything an operator can set, with its default. Members bear the names of the configuration's
/// keys; times are in the unit that the name ends in. Plain values, valid only once validate() has
/// found no problem.
struct Config {
  struct OnDemand {
    bool enabled = false;
    std::vector<std::string> allow;  ///< globs
    std::uint64_t linger_ms = 30'000;
  };

  struct Upstream {
    std::string url = "wss://ws.backpack.exchange";
    std::vector<std::string> streams;
    std::string ca_file;
    std::string rest_url = "https://api.backpack.exchange";
    std::string proxy;  ///< secret, as it may hold a password
    bool compression = false;
    std::uint64_t window_ms = 5'000;
    std::uint64_t connect_timeout_ms = 10'000;
    std::uint64_t idle_timeout_ms = 90'000;
    std::uint64_t data_timeout_ms = 30'000;
    std::string canary = "ticker.SOL_USDC";
    std::uint64_t requests_per_second = 5;
    std::uint64_t resubscribe_after_ms = 60'000;
    std::uint64_t retry_rejected_ms = 300'000;
    std::uint64_t backoff_initial_ms = 100;
    std::uint64_t backoff_max_ms = 30'000;
    std::uint64_t subscribe_batch = 100;
    std::uint64_t max_message_bytes = 16'777'216;
    OnDemand on_demand;
  };

  struct Curve {
    std::string secret_key_file;
    std::vector<std::string> allow;
  };

  struct Endpoint {
    std::vector<std::string> bind;
    Curve curve;
  };

  struct PrivateEndpoint : Endpoint {
    bool allow_plaintext = false;
  };

  struct JetStream {
    std::vector<std::string> servers;
    std::string stream = "BACKPACK";
    std::string subject_prefix = "backpack.";
    std::uint64_t replicas = 1;
    std::uint64_t max_age_s = 86'400;
    std::uint64_t max_bytes = 10'737'418'240;
    bool include_private = false;
    std::string credentials_file;
    std::string ca_file;
    std::uint64_t max_pending = 65'536;
  };

  struct Publish {
    Endpoint public_{.bind = {"tcp://127.0.0.1:5555"}, .curve = {}};
    PrivateEndpoint private_;
    std::uint64_t send_hwm = 100'000;
    std::uint64_t queue_bytes = 268'435'456;
    std::string topic_terminator;
    std::uint64_t heartbeat_ms = 1'000;
    std::uint64_t linger_ms = 500;
    std::vector<std::string> books;
    std::uint64_t replay_messages = 1'024;
    std::uint64_t replay_bytes = 67'108'864;
    JetStream jetstream;
  };

  struct Http {
    std::string bind = "127.0.0.1:9464";
  };

  struct Log {
    std::string level = "info";
    std::string format = "text";
  };

  Upstream upstream;
  Publish publish;
  Http http;
  Log log;
};

}  // namespace bpx::bridge
