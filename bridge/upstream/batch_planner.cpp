#include "bridge/upstream/batch_planner.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace bpx::bridge {
namespace {

/// What compares less is asked for first, what compares equal together.
auto turn_of(const WantedStream& stream, std::uint64_t consumer, std::uint64_t last_served) {
  const bool is_again = stream.here.tries > 0 || stream.state == StreamState::rejected;
  const bool is_preferred = stream.is_hidden || stream.was_accepted || stream.is_lasting;
  const bool has_turns = !stream.is_ending() && (is_again || !is_preferred);
  const auto wait = has_turns ? last_served - 1 - (is_again ? 0 : consumer) : 0;
  return std::tuple(has_turns, wait, !stream.is_ending(), !stream.was_accepted, stream.is_hidden,
                    has_turns && !stream.is_lasting, stream.is_doubtful, stream.here.company,
                    !stream.is_private);
}

}  // namespace

std::vector<WantedStreams::iterator> next_batch(WantedStreams& streams, std::size_t most,
                                                bool may_sign, std::uint64_t& last_served) {
  using Turn = decltype(turn_of({}, 0, 0));
  std::optional<Turn> turn;
  std::vector<WantedStreams::iterator> batch;
  for (auto entry = streams.begin(); entry != streams.end(); ++entry) {
    const auto& stream = entry->second;
    if (stream.here.phase != WantedStream::Phase::pending) continue;
    if (stream.is_private && !may_sign) continue;
    for (const auto consumer : stream.consumers) {
      const auto its = turn_of(stream, consumer, last_served);
      if (!turn || its < *turn) {
        turn = its;
        batch.clear();
      }
      const bool is_new = batch.empty() || batch.back() != entry;
      const auto room = std::min(most, stream.here.company);
      if (its == turn && is_new && batch.size() < room) batch.push_back(entry);
    }
  }
  if (turn && std::get<0>(*turn)) last_served -= std::get<1>(*turn) + 1;
  return batch;
}

}  // namespace bpx::bridge
