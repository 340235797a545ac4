#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace bpx::bridge {

/// Streams that are to be asked for together, and with no others.
struct Probe {
  using TimePoint = std::chrono::steady_clock::time_point;
  using Index = std::uint32_t;  ///< of a stream
  using Indices = std::vector<Index>;

  enum class Standing : std::uint8_t {
    kept,        ///< once accepted by the exchange
    configured,  ///< from the start, and not accepted yet
    newcomers,   ///< never asked for; more of the same consumer may join while they wait
    suspects,    ///< one of them at least was refused
  };

  /// Whom the streams wait for and with.
  struct Lane {
    Standing standing = Standing::kept;
    std::uint64_t wanted_by = 0;  ///< a consumer's number; 0 is the configuration

    bool operator==(const Lane&) const = default;
    Lane accused() const {
      return standing == Standing::newcomers ? Lane{Standing::suspects, wanted_by} : *this;
    }
  };

  /// What the streams have been through already.
  struct Record {
    Lane lane{};
    int signatures_refused = 0;
    bool is_second_look = false;  ///< at a single stream: guilty again, it is rejected
    bool is_afresh = false;       ///< likewise, and no repetition of what was asked for before

    /// Whether it is a second look that waits until all others of the configuration were asked.
    bool is_put_off() const {
      return is_second_look && !is_afresh && lane.standing <= Standing::configured;
    }
  };

  Indices streams;
  Record record{};
  TimePoint not_before{};
};

/// The probes that wait, and whose turn it is. A second look goes first: the quiet before it was
/// kept so that no late answer to another can be mistaken for one to it. Then those who are to be
/// kept, then what is configured, and then its second looks, for which one quiet does. Newcomers
/// and suspects take turns, and among the suspects their consumers do: however many bad names
/// somebody makes up, who comes with a good one waits for few probes. Without I/O or clock. One
/// thread.
class ProbeQueue {
 public:
  using TimePoint = Probe::TimePoint;
  using Index = Probe::Index;

  /// Lets the stream wait with the others of the lane.
  void add(Index stream, const Probe::Lane& lane);

  /// Before what waits in the same lane, or behind it, and not together with it.
  void push_front(Probe probe) { probes_.push_front(std::move(probe)); }
  void push_back(Probe probe) { probes_.push_back(std::move(probe)); }

  void remove(Index stream);
  void for_each(const std::function<void(Probe::Indices&)>& visit);
  void clear();

  /// Takes the next one that may be asked, without the streams that need not be asked for any more;
  /// nullopt where there is none.
  std::optional<Probe> take(TimePoint now,
                            const std::function<bool(Index, Probe::Standing)>& is_settled);

  bool has_due(TimePoint now) const;
  /// When the next one is due; nullopt where there is none.
  std::optional<TimePoint> next_due() const;
  /// How many streams wait, each as often as it does.
  std::size_t places() const;

 private:
  using Rank = std::tuple<bool, int, std::uint64_t>;

  Rank rank_of(const Probe& probe, TimePoint now) const;
  void note_turn(const Probe& probe);

  std::deque<Probe> probes_;
  bool are_newcomers_next_ = true;
  std::uint64_t next_suspects_ =
      0;  ///< the consumer, or the next one below, that has been asked for longest ago
};

}  // namespace bpx::bridge
