#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct bio_st;  // of OpenSSL

namespace bpx::bridge {

/// A TCP connection that may become one of TLS. Nothing waits but what is given a deadline; the
/// first fault is the last. Used by one thread, in which SIGPIPE is not to end the program.
class NatsSocket {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// To `HOST:PORT`. Looking up the name has the system's own deadline.
  NatsSocket(const std::string& address, Deadline deadline);

  /// Goes on in TLS. The server must show a certificate of `host` that the system's trust anchors
  /// or those in `ca_file` vouch for.
  void start_tls(const std::string& host, const std::string& ca_file, Deadline deadline);

  /// How many bytes could be written or read now.
  std::size_t write(std::string_view text);
  std::size_t read(char* to, std::size_t size);

  /// Until there may be something to read.
  void wait_to_read(Deadline deadline);

  /// Why it is of no use any more; nullopt while it is.
  const std::optional<std::string>& fault() const { return fault_; }

 private:
  bool wait(short events, Deadline deadline);
  std::size_t result(int done);

  struct Free {
    void operator()(bio_st* bio) const;
  };
  std::unique_ptr<bio_st, Free> bio_;
  std::optional<std::string> fault_;
};

}  // namespace bpx::bridge
