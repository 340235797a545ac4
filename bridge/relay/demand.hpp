#pragma once

#include "bridge/publish/subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bpx::bridge {

/// Which streams consumers want by subscribing to them, where the operator allows that. A stream
/// is wanted from its first subscriber on, and until its last has been gone for a while. A state
/// machine without I/O or clock: the caller says what time it is, of a clock that only goes
/// forward. One thread.
class Demand {
 public:
  /// So many streams at once may be wanted on demand: each costs memory here and patience there.
  static constexpr std::size_t kMaxStreams = 2'000;
  /// And so many that one consumer has brought about, so that it leaves places for others.
  static constexpr std::size_t kMaxStreamsOfOne = 500;

  struct Options {
    std::vector<std::string> allow;             ///< globs, see allows()
    std::set<std::string, std::less<>> always;  ///< wanted anyway
    std::int64_t linger_ns = 0;                 ///< for which a stream outlives its last subscriber
    std::string topic_terminator;
    /// Told when a stream begins to be wanted, and when it ends to be; and of the number of the
    /// consumer that brought it about.
    std::function<void(std::string_view stream, bool is_wanted, std::uint64_t consumer)> on_change;
    /// Told of each further consumer that wants a stream that is wanted already.
    std::function<void(std::string_view stream, std::uint64_t consumer)> on_joined;
    /// Told of the number of a wanted stream's subscribers.
    std::function<void(std::string_view stream, std::size_t subscribers)> on_count;
    /// Told of a subscription that comes in vain since there are kMaxStreams, or since its
    /// consumer has brought about kMaxStreamsOfOne.
    std::function<void(const Subscription& subscription)> on_refused;
  };

  explicit Demand(Options options);

  /// The stream that the subscription decides about: one whose topic it names exactly, and that
  /// may be wanted. ZeroMQ does not tell an exact topic from the beginning of one, so whatever can
  /// be a stream's name counts as such.
  std::optional<std::string_view> stream_of(const Subscription& subscription) const;

  /// With `subscription`, so many listen to what it names.
  void on_listeners(const Subscription& subscription, std::size_t listeners, std::int64_t now_ns);

  /// Whether consumers want `stream`: they have brought it about, or would where it were not wanted
  /// anyway.
  bool is_wanted(std::string_view stream) const {
    return interests_.contains(stream) || beside_.contains(stream);
  }

  /// From now on these are wanted anyway. Consumers keep what they have brought about, and what
  /// they listen to is now theirs, however much that is.
  void set_always(std::set<std::string, std::less<>> streams);

  /// Lets go of what has not been wanted for long enough.
  void expire(std::int64_t now_ns);

 private:
  struct Interest {
    std::size_t subscribers = 0;
    std::int64_t unwanted_since_ns = 0;  ///< where there are no subscribers
    std::uint64_t brought_by = 0;        ///< the number of its first subscriber
  };

  using Interests = std::map<std::string, Interest, std::less<>>;

  bool allows(std::string_view stream) const;
  bool has_room_for(std::uint64_t consumer) const;
  Interest& bring_about(std::string_view stream, std::uint64_t consumer);
  void note_beside(std::string_view stream, const Subscription& subscription,
                   std::size_t listeners);

  Options options_;
  Interests interests_;
  Interests beside_;  ///< in what is wanted anyway, by consumers who have not brought it about
  std::size_t lingering_ = 0;                               ///< interests without subscribers
  std::unordered_map<std::uint64_t, std::size_t> brought_;  ///< how many interests, by whom
};

}  // namespace bpx::bridge
