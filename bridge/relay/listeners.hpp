#pragma once

#include "bridge/publish/subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace bpx::bridge {

/// How many consumers listen to which topic. Those that can be told apart count for certain: nobody
/// ends what another has begun. Of the others, which speak ZMTP 2 or older, libzmq tells beginnings
/// and ends without saying whose; and in the same way it tells that one of the former has left. So
/// these are counted as what remains, and may end each other's. One thread.
class Listeners {
 public:
  /// How many listen to the topic now; nullopt where nobody more or less does than before.
  std::optional<std::size_t> take(const Subscription& subscription);

 private:
  struct Topic {
    std::int64_t known = 0;
    /// Beginnings less ends that came without saying whose, and more by one for each who is known
    /// to have left: below zero while that has been told in the one way and not yet in the other.
    std::int64_t unknown = 0;

    std::size_t count() const;
  };

  std::map<std::string, Topic, std::less<>> topics_;
};

}  // namespace bpx::bridge
