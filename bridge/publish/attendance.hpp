#pragma once

#include "bridge/publish/subscription.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace bpx::bridge {

/// Who is connected to an endpoint, how much each has subscribed to, and who has to go because that
/// is too much. libzmq itself bounds neither, and keeps some 35 bytes for each byte of a topic that
/// nobody else knows. Pure; one thread at a time.
///
/// Connections are told of by their file descriptor, by another thread than what they sent, which
/// comes through a queue: it can outlive them there, and it can be sooner than their arrival. A
/// descriptor's next connection does not answer for what the last one left there.
class Attendance {
 public:
  /// What a topic that is a stream's counts for: libzmq keeps its name once, and the consumer.
  static constexpr std::size_t kSharedTopicBytes = 2;
  /// What any other counts for beside its bytes: libzmq's tree, and the walk to forget it.
  static constexpr std::size_t kTopicOverhead = 16;

  struct Bounds {
    /// When all leave at once, or the bridge stops, libzmq searches through the timers of all for
    /// those of each: a moment for 2,000, half a minute for 4,000, in which nobody gets anything.
    std::size_t connections = 2'000;
    /// Of topics, with what they cost beside their names: some 3,000 names of usual length. A
    /// consumer takes longer to leave the more there are, and holds everybody's messages up with
    /// that: of names that begin alike it is little, of others a second for a million bytes.
    std::size_t topic_bytes_each = std::size_t{128} << 10U;
    std::size_t topic_bytes_in_all = std::size_t{2} << 20U;
    /// Of those who cannot be told apart, together. What they give up is not taken off, as it may
    /// be another's; but see forgive().
    std::size_t topic_bytes_of_strangers = std::size_t{512} << 10U;
    /// And of these without what is forgiven, for as long as any of them stays: libzmq forgets
    /// nothing before.
    std::size_t topic_bytes_of_strangers_ever = std::size_t{2} << 20U;
  };

  explicit Attendance(Bounds bounds) : bounds_(bounds) {}

  /// From now on there is room for no more than that.
  void bound(std::size_t connections) {
    bounds_.connections = std::min(bounds_.connections, connections);
  }

  /// Who has been here for less than this may still be about to ask for something.
  static constexpr std::int64_t kSettlesInNs = 5'000'000'000;

  /// Returns who has to go where `connection` is one too many: whoever has been here for longest
  /// without asking for anything, where that is long, else `connection` itself. `listens`: whether
  /// one has been sent something nevertheless; such a one stays.
  std::optional<int> arrive(int connection, std::int64_t now_ns,
                            const std::function<bool(int)>& listens);
  void leave(int connection);

  /// `caller` subscribes to a topic that counts for `bytes`. Returns whose connections have to go:
  /// its own, or where all together have too many, that of the one that has most of them, or those
  /// of all who cannot be told apart. Told once of each.
  std::vector<int> subscribe(const Caller& caller, std::size_t bytes);
  /// Half of what strangers have subscribed to is taken for given up by now, and all of it where
  /// none of them is left. To be called each minute: else one who asks for replays now and then,
  /// for days, would have them all let go.
  void forgive();
  /// It gave the topic up, for which that had been counted.
  void unsubscribe(const Caller& caller, std::size_t bytes);

  /// Who has left since this was last asked, by descriptor.
  std::vector<int> take_left() { return std::exchange(told_left_, {}); }
  bool is_here(int connection) const { return connections_.contains(connection); }

  /// To how many topics it subscribes; nullopt where that is unknown, as of peers of ZMTP 2.
  std::optional<std::size_t> subscriptions(int connection) const;

  /// Everything that those who have left by now sent has been told of.
  void caught_up() { left_.clear(); }

  std::size_t size() const { return connections_.size(); }

 private:
  struct Unheard {
    int connection;
    std::int64_t since_ns;
  };
  struct Connection {
    std::uint64_t caller = 0;  ///< 0: has not asked for anything yet
    std::size_t topic_bytes = 0;
    std::size_t topics = 0;
    bool has_to_go = false;
    std::list<Unheard>::iterator unheard;  ///< its place, or the end
  };
  using Connections = std::map<int, Connection>;
  /// Who is heard before its arrival is.
  struct Early {
    std::uint64_t caller = 0;
    std::size_t topic_bytes = 0;
    std::size_t topics = 0;
  };

  Connections::iterator find(const Caller& caller);
  static bool may_be_stranger(const Connection& connection);
  void charge_early(const Caller& caller, std::size_t bytes);
  std::vector<int> charge_strangers(std::size_t bytes);
  std::optional<int> longest_unheard(std::int64_t now_ns, const std::function<bool(int)>& listens);
  void take_off_unheard(Connection& connection);
  int let_go(Connections::iterator connection);

  Bounds bounds_;
  Connections connections_;
  std::list<Unheard> unheard_;  ///< who has not asked for anything and may stay, by arrival
  std::map<int, Early> early_;  ///< by descriptor
  /// Descriptor → the last who had it and left, of whom something may still be told; 0 where it has
  /// not been heard.
  std::map<int, std::uint64_t> left_;
  std::size_t topic_bytes_ = 0;  ///< of all that may stay
  std::size_t stranger_bytes_ = 0;
  std::size_t stranger_bytes_ever_ = 0;
  std::vector<int> told_left_;
};

}  // namespace bpx::bridge
