#pragma once

#include "bridge/publish/nats_look_up.hpp"
#include "bridge/publish/nats_patience.hpp"
#include "bridge/publish/nats_protocol.hpp"
#include "bridge/publish/nats_server.hpp"
#include "bridge/publish/nats_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bpx::bridge {

/// One connection to one NATS server, from its beginning to its first trouble: it never reconnects
/// by itself, so that what was sent on it and what came back belong together. It has no thread: all
/// that is to be sent goes out, and all that has come is read, in exchange(), in one go. Used by
/// one thread, in which SIGPIPE is not to end the program.
class NatsConnection {
 public:
  using OrFault = std::variant<std::unique_ptr<NatsConnection>, NatsFault>;
  /// One that the server has welcomed. `patience` is for the look-up of its name, and as much again
  /// for each step behind it. Of several addresses the `turn`th comes first, and again from the
  /// first: one may take connections and be of no use.
  static OrFault open(const NatsServer& server, const NatsAccess& access, NatsLookUp& look_up,
                      const NatsPatience& patience, std::size_t turn = 0);

  ~NatsConnection() = default;
  NatsConnection(const NatsConnection&) = delete;
  NatsConnection& operator=(const NatsConnection&) = delete;

  /// What is sent to `<inbox>.WORD` comes here.
  const std::string& inbox() const { return inbox_; }

  /// Of a message that the server takes, in bytes, its headers included. It may say so anew at any
  /// time: an account may have less than the server.
  std::size_t max_payload() const { return max_payload_; }

  /// The answer of the service at `subject`, such as JetStream itself. Not while other messages
  /// are on their way: they are passed over.
  std::variant<std::string, NatsFault> ask(std::string_view subject, std::string_view question,
                                           const NatsPatience& patience);

  /// Whether more may be appended to outgoing() before exchange() has sent what there is.
  bool has_room() const { return out_.size() - written_ < kMostOutgoing; }

  /// What exchange() is to send, to be appended to and nothing else.
  std::string& outgoing();

  /// Sends and reads as much as that is possible without waiting.
  void exchange();

  /// The next message of those that exchange() has read, or error that says what must not be
  /// published, as views that the next exchange() ends; nullopt where there is none.
  std::optional<NatsOperation> next_message();

  /// Why the connection is of no use any more; nullopt while it is.
  const std::optional<std::string>& fault() const { return fault_ ? fault_ : socket_.fault(); }

 private:
  static constexpr std::size_t kMostOutgoing = std::size_t{1} << 20U;
  static constexpr std::size_t kMostIncoming = std::size_t{1} << 20U;

  NatsConnection(const std::vector<HostAddress>& addresses, const NatsPatience& patience);
  void greet(const NatsServer& server, const NatsAccess& access, const NatsPatience& patience);
  std::optional<NatsOperation> take_operation();
  template <typename Predicate>
  std::optional<NatsOperation> await(const NatsPatience& patience, Predicate is_wanted);
  void read();
  void write();
  void note_max_payload(std::string_view info);
  void fail(std::string cause);

  NatsSocket socket_;
  std::optional<std::string> fault_;
  std::string inbox_;
  std::size_t max_payload_ = std::size_t{1} << 20U;  ///< as usual, until the server says so

  std::string out_;  ///< of this, the first written_ bytes have been written
  std::size_t written_ = 0;
  bool owes_pong_ = false;
  std::unique_ptr<char[]> in_;
  std::size_t taken_ = 0;  ///< of in_: what lies before is done with
  std::size_t read_ = 0;   ///< of in_: what has come

  std::int64_t last_written_steady_ns_ = 0;
  std::int64_t last_heard_steady_ns_ = 0;
  std::int64_t last_pinged_steady_ns_ = 0;
  bool has_pinged_ = false;  ///< since something was heard
};

}  // namespace bpx::bridge
