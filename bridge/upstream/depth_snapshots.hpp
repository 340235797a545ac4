#pragma once

#include "bridge/observe/few_a_minute.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/relay/book_sync.hpp"
#include "bridge/relay/snapshot_source.hpp"
#include "bridge/upstream/backoff.hpp"
#include "bridge/upstream/rest_client.hpp"
#include "bridge/upstream/snapshot_queue.hpp"
#include "proto/depth_update.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// `/api/v1/depth?symbol=…&limit=…` for a depth stream, whose symbol goes percent-encoded: as deep
/// as it gets.
std::string depth_target(std::string_view path_prefix, std::string_view stream);

/// Fetches snapshots of books over REST, as long as they are wanted: one at a time of each book, a
/// few at a time in all, when a SnapshotQueue says so. Belongs to the observing thread, where
/// answers are read and sorted too, so that they cost messages nothing.
class DepthSnapshots final : public SnapshotSource {
 public:
  /// So many requests are under way at a time.
  static constexpr std::size_t kAtOnce = 2;

  struct Options {
    RestClient::Options rest;
    std::string path_prefix;  ///< of upstream.rest_url, without `/` at its end
    Backoff::Options backoff;
  };
  /// Takes a snapshot of a book. Called on the observing thread.
  using Deliver = std::function<void(std::size_t book, BookSnapshot)>;

  /// `streams`: publish.books. `observing` runs on the observing thread.
  DepthSnapshots(const boost::asio::any_io_executor& observing, Options options,
                 const std::vector<std::string>& streams, TlsContext& tls, Log& log,
                 Deliver deliver);

  // Called on the relaying thread.
  void want(std::size_t book) override;
  void forget(std::size_t book) override;

  /// Fetches for ever: to be run once for each `worker` below kAtOnce.
  boost::asio::awaitable<void> work(std::size_t worker);

 private:
  using Clock = std::chrono::steady_clock;
  using Trouble = SnapshotQueue::Trouble;

  struct Source {
    std::string stream;
    std::string target;
  };
  struct Fetched {
    std::optional<BookSnapshot> snapshot;
    std::string error;
    Trouble trouble = Trouble::of_site;
    std::chrono::milliseconds leave_alone{0};  ///< it asks for that
  };

  boost::asio::awaitable<void> fulfil(SnapshotQueue::Errand errand,
                                      std::unique_ptr<RestClient>& client);
  boost::asio::awaitable<Fetched> fetch(const std::string& target,
                                        std::unique_ptr<RestClient>& client);
  void read(std::string& body, Fetched& fetched);
  void wake();

  boost::asio::any_io_executor observing_;
  Options options_;
  TlsContext& tls_;
  FewAMinute failures_;
  Deliver deliver_;
  std::vector<Source> sources_;  ///< by book
  SnapshotQueue queue_;
  std::array<boost::asio::steady_timer, kAtOnce> waits_;  ///< cancelled when there is news
  proto::DepthReader reader_;
};

}  // namespace bpx::bridge
