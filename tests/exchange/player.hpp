#pragma once

#include "tests/exchange/source.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace bpx::exchange {

/// Plays a source in time. Lives on the loop, and longer than the loop runs.
class Player {
 public:
  /// Each message that is due goes to `publish`. Where the rate is unlimited, nothing is played
  /// while `wanted` says no.
  Player(boost::asio::io_context& loop, std::unique_ptr<Source> source,
         std::function<void(const SharedMessage&)> publish, std::function<bool()> wanted);

  /// Stands still once so many messages have been played from now on.
  void set_rate(double per_second,
                std::uint64_t messages = std::numeric_limits<std::uint64_t>::max());
  double rate() const { return source_->pacer().per_second(); }
  void stop();

 private:
  boost::asio::awaitable<void> play();
  boost::asio::awaitable<void> wait();

  std::unique_ptr<Source> source_;
  std::function<void(const SharedMessage&)> publish_;
  std::function<bool()> wanted_;
  boost::asio::steady_timer due_;
  std::vector<SharedMessage> messages_;
  std::uint64_t left_ = std::numeric_limits<std::uint64_t>::max();
  bool stopped_ = false;
};

}  // namespace bpx::exchange
