#pragma once

#include "bridge/clock.hpp"
#include "bridge/publish/jetstream.hpp"
#include "bridge/publish/publisher.hpp"
#include "bridge/relay/stream_table.hpp"
#include "proto/envelope.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// What became of one message of the exchange.
struct Relayed {
  enum class Outcome : std::uint8_t {
    published,
    answer,       ///< acknowledgement or error: for the session, not for consumers
    malformed,    ///< no envelope, or a stream that cannot be carried; `envelope.fault` says why
    undelivered,  ///< no endpoint is bound for it, or it only says to be the account's
    canary,       ///< of a stream that only tells that the exchange speaks
  };

  Outcome outcome = Outcome::malformed;
  bool is_first_of_stream = false;             ///< on this connection
  std::optional<Gap> gap{};                    ///< before this message
  const StreamMeasurements* stream = nullptr;  ///< of a message that belongs to one
  proto::Envelope envelope;                    ///< valid until the next message
};

/// A stream that is asked for to tell a quiet market from a mute exchange. It is published like
/// any other while it is wanted too, and otherwise counted, and no more.
struct Canary {
  std::string name;  ///< empty: none
  std::function<bool()> is_wanted = [] { return true; };
};

/// The hot path: takes each text message of the exchange, finds out which stream it belongs to,
/// numbers it and publishes it, byte for byte, in the order received. One thread, one pass, no copy
/// of its own.
class Relay {
 public:
  /// `epoch_us`: start of the bridge, Unix µs.
  Relay(std::uint64_t epoch_us, StreamTable& streams, Publisher& publisher,
        Measurements& measurements, Canary canary = {});

  /// What is published from here on goes to `sink` too, behind ZeroMQ.
  void publish_also_to(JetStream& sink) { jetstream_ = &sink; }

  /// For a bridge without a key: nothing that comes can be the account's, whatever it says, so that
  /// such data is kept from everyone.
  void withhold_account_data() { has_key_ = false; }

  /// From here on messages belong to `connection`, counted from 1.
  void begin_connection(std::uint32_t connection) { connection_ = connection; }

  /// How far the stream has come at the exchange: its book is right only while it is asked for.
  /// nullopt: nobody wants it any more.
  void note_state(std::string_view stream, std::optional<StreamState> state);

  /// `message`, which had been read at `received`, must be followed by EnvelopeReader::kPadding
  /// readable bytes.
  Relayed accept(std::string_view message, const Moment& received);

  /// `message` comes right behind the next one, most likely: with thousands of streams, what it
  /// will touch is in no near cache, and is fetched while the next one is taken care of.
  void foresee(std::string_view message);

 private:
  Stream* find_or_add(std::string_view name);
  bool is_delivered(const Stream& stream) const;
  void measure(Stream& stream, std::string_view message, const Moment& received, Relayed& relayed);
  void publish(Stream& stream, std::string_view message, const Moment& received, Relayed& relayed);

  std::uint64_t epoch_us_;
  StreamTable& streams_;
  Publisher& publisher_;
  JetStream* jetstream_ = nullptr;  ///< where there is one
  Measurements& measurements_;
  Canary canary_;
  bool has_key_ = true;
  proto::EnvelopeReader reader_;
  std::uint32_t connection_ = 0;
  // Streams, where they were foreseen: of the message that is here, the next and the one behind it.
  Stream* foreseen_ = nullptr;
  Stream* next_ = nullptr;
  Stream* after_next_ = nullptr;
};

}  // namespace bpx::bridge
