#pragma once

#include "bridge/host_addresses.hpp"
#include "bridge/publish/nats_patience.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct bio_st;  // of OpenSSL

namespace bpx::bridge {

/// A TCP connection that may become one of TLS. Nothing waits but what is given patience; the first
/// fault is the last. Used by one thread, in which SIGPIPE is not to end the program.
class NatsSocket {
 public:
  /// To the first of the addresses, at least one, where somebody answers.
  NatsSocket(const std::vector<HostAddress>& addresses, const NatsPatience& patience);

  /// Goes on in TLS. The server must show a certificate of `host` that the system's trust anchors
  /// or those in `ca_file` vouch for.
  void start_tls(const std::string& host, const std::string& ca_file, const NatsPatience& patience);

  /// How many bytes could be written or read now.
  std::size_t write(std::string_view text);
  std::size_t read(char* to, std::size_t size);

  /// Until there may be something to read, or room to write where that is wanted.
  void wait(const NatsPatience& patience, bool is_to_write);

  /// Why it is of no use any more; nullopt while it is.
  const std::optional<std::string>& fault() const { return fault_; }

 private:
  void connect(const HostAddress& address, const NatsPatience& patience);
  bool wait_for(int events, const NatsPatience& patience);
  std::size_t result(int done);

  struct Free {
    void operator()(bio_st* bio) const;
  };
  std::unique_ptr<bio_st, Free> bio_;
  std::optional<std::string> fault_;
};

}  // namespace bpx::bridge
