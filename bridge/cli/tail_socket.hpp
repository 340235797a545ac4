#pragma once

#include "bridge/cli/tail_keys.hpp"
#include "bridge/cli/tail_line.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bpx::bridge::cli {

/// Whether `endpoint` has the form of one that a consumer connects to.
bool can_be_connected_to(const std::string& endpoint);

/// A consumer's socket, as `tail` has it.
class TailSocket {
 public:
  /// `keys`: where the endpoints have CURVE. Throws where an endpoint is none.
  TailSocket(const std::vector<std::string>& endpoints, const std::optional<TailKeys>& keys);
  ~TailSocket();
  TailSocket(const TailSocket&) = delete;
  TailSocket& operator=(const TailSocket&) = delete;

  void subscribe(const std::string& topic);
  void unsubscribe(const std::string& topic);

  /// Whether there is something to receive. False after `timeout`, where a signal comes, and where
  /// `writable`, a descriptor, can be written to.
  bool wait(std::chrono::milliseconds timeout, std::optional<int> writable = std::nullopt);

  /// What has come, if anything has; what is no message of a bridge is passed over. Its header is
  /// nothing where this version cannot read it. Valid until the next call.
  struct Received {
    TailMessage message;
    bool has_header = false;
  };
  std::optional<Received> receive();

 private:
  struct Socket;
  std::unique_ptr<Socket> socket_;
};

}  // namespace bpx::bridge::cli
