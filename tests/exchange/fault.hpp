#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

namespace bpx::exchange {

/// What can go wrong, on command. Faults of a connection fall on those open at that moment; a
/// client that connects anew is served well.
namespace fault {

using std::chrono::milliseconds;

/// For faults that last: until `Heal`.
constexpr milliseconds kForGood = milliseconds::max();

/// The TCP connection breaks, by RST or by FIN, without a Close frame. What is queued is lost.
struct Drop {
  bool reset = true;
};
/// A Close frame, behind what is queued.
struct Close {
  std::uint16_t code = 1001;
  std::string reason = {};
};
/// Nothing more is said; pings are answered. What would have been said is lost.
struct Silent {
  milliseconds duration = kForGood;
};
/// Nothing is heard: neither requests nor pings. Data still flows unless `mute`.
struct Deaf {
  milliseconds duration = kForGood;
  bool mute = false;
};
/// The next `count` depth or trade frames are never sent, so that their ids jump: those of
/// `stream`, or of all streams together.
struct SkipIds {
  std::size_t count = 1;
  std::string stream = {};
};
/// The message published last is sent again: that of `stream`, or of all streams.
struct Repeat {
  std::size_t count = 1;
  std::string stream = {};
};
/// Nonsense: a text message, a binary message, or bytes that are no WebSocket frame.
struct Garbage {
  enum class Layer { text, binary, bytes };
  std::string text = "not { json";
  Layer layer = Layer::text;
};
/// One well-formed message of exactly `bytes` bytes.
struct Huge {
  std::size_t bytes = std::size_t{32} << 20U;
  std::string stream = "depth.SOL_USDC";
};
/// One TCP byte at a time.
struct Slow {
  milliseconds duration = kForGood;
  std::chrono::microseconds per_byte{1000};
};
/// The port is closed to new connections.
struct Refuse {
  milliseconds duration = kForGood;
};
/// What new connections are shown.
struct Certificate {
  enum class Kind { good, expired, wrong_host, self_signed };
  Kind kind = Kind::good;
};
/// Which TLS new connections are offered: what is in use, TLS 1.2 alone, or nothing after TLS 1.1.
struct TlsVersion {
  enum class Kind { current, tls12, outdated };
  Kind kind = Kind::current;
};
/// The exchange wants to negotiate TLS anew in the middle of a connection, which TLS 1.2 allows.
struct Renegotiate {};
/// These very bytes answer every request of a kind from now on, and end the connection; none: the
/// usual answers.
struct Answer {
  enum class To { upgrade, rest };
  To to = To::upgrade;
  std::string bytes = {};
};
/// The next `count` requests are heard, and nothing comes of them.
struct IgnoreRequests {
  std::size_t count = 1;
};
/// Nothing of `stream` is sent any more, to whoever subscribed or subscribes to it.
struct MuteStream {
  std::string stream = {};
};
/// A stream that did not exist does from now on.
struct List {
  std::string stream = {};
};
/// No signature is good enough.
struct RejectSignatures {
  bool on = true;
};
/// The exchange's clock differs from the true time by `offset`: in REST, in signature checks, and
/// in the market's times, which however never run backwards.
struct ShiftClock {
  milliseconds offset{0};
};
/// A frame goes to everyone, of a stream that nobody asked for.
struct Unsolicited {
  std::string stream = "trade.UNASKED_USDC";
  std::string data = "{}";
};
/// An error frame that answers nothing.
struct Error {
  int code = 4000;
  std::string message = "Internal error";
};
/// The exchange goes down in order: Close 1001 to everyone. It can be reached again at once, as
/// where another node takes over.
struct Shutdown {};
/// Events a second of the market, or frames of the recording; infinity: as fast as clients read.
/// After so many messages, and what else is due in the same turn, it stands still.
struct Rate {
  double per_second = 0;
  std::uint64_t messages = std::numeric_limits<std::uint64_t>::max();
};
/// Ends all that lasts: certificate, TLS version, answers, clock, refused connections and
/// signatures, ignored requests, mute streams, skipped ids, and what open connections suffer. Not
/// what is listed, nor the rate.
struct Heal {};

}  // namespace fault

using Fault = std::variant<fault::Drop, fault::Close, fault::Silent, fault::Deaf, fault::SkipIds,
                           fault::Repeat, fault::Garbage, fault::Huge, fault::Slow, fault::Refuse,
                           fault::Certificate, fault::TlsVersion, fault::Renegotiate, fault::Answer,
                           fault::IgnoreRequests, fault::MuteStream, fault::List,
                           fault::RejectSignatures, fault::ShiftClock, fault::Unsolicited,
                           fault::Error, fault::Shutdown, fault::Rate, fault::Heal>;

std::string to_string(fault::Certificate::Kind kind);

/// From `{"kind":"close","code":1012}`: the kind in snake case, and its parameters by name, all
/// optional; durations as `ms`. Throws std::invalid_argument that says what is wrong with it.
Fault parse_fault(std::string_view json);

}  // namespace bpx::exchange
