#pragma once

#include "bridge/publish/publisher.hpp"
#include "bridge/relay/stream_table.hpp"
#include "proto/replay_request.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Publishes again what a consumer missed, under the topic that it asked by. One thread.
class Replay {
 public:
  /// `epoch_us`: start of the bridge, Unix µs.
  Replay(std::uint64_t epoch_us, StreamTable& streams, Publisher& publisher,
         Measurements& measurements);

  /// How far the answer to a request has come.
  struct Progress {
    bool has_begun = false;
    bool has_ended = false;
    StreamHistory::Place place;
  };

  /// Goes on answering a request of kind replay that came to the endpoint of `audience` by a
  /// subscription to `topic`, with the next of the messages asked for, or, once the newest has been
  /// published, with the end. Of a stream that this endpoint does not publish nothing is known.
  /// What waits to be taken counts in `backlog`. Returns the payload's bytes.
  std::size_t go_on(Audience audience, std::string_view topic, const proto::ReplayRequest& request,
                    Progress& progress, Backlog& backlog);

  /// Says under `topic` that nothing further follows, and which message of the stream is the
  /// newest.
  void publish_end(Audience audience, std::string_view topic, std::uint64_t newest,
                   Backlog& backlog);

 private:
  std::uint64_t epoch_us_;
  StreamTable& streams_;
  Publisher& publisher_;
  Measurements& measurements_;
  std::string payload_;  ///< of the message at hand
};

}  // namespace bpx::bridge
