#pragma once

#include "bridge/publish/subscription.hpp"

#include <zmq.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sys/types.h>

namespace bpx::bridge {

/// Who sends requests, and what each has subscribed to. libzmq names a connection by its file
/// descriptor, which one after the other may have, while what the first sent still waits to be
/// read; and it tells of ends that never had a beginning. But it makes the properties of a
/// connection once, and every message from it holds on to them: so as long as a message of the one
/// is kept, no other's properties can be where its are. Peers that speak ZMTP 2 or older have
/// neither descriptor nor properties, and cannot be told apart. One thread.
class Callers {
 public:
  /// Topic → what it was charged for.
  using Topics = std::map<std::string, std::size_t, std::less<>>;
  using OnGone = std::function<void(const Caller& caller, const Topics& topics)>;

  /// `last`: the number given last, by any Callers that share it: none of theirs has another's.
  explicit Callers(std::uint64_t& last) : last_(last) {}

  /// Who sent `request`; `on_gone` is told of whoever had the same descriptor before.
  Caller of(zmq::message_t& request, const OnGone& on_gone);

  /// `caller`, which of() returned last, subscribes. Returns false where it has already.
  bool begin(const Caller& caller, std::string_view topic);
  /// What it is charged for.
  void charge(const Caller& caller, std::string_view topic, std::size_t bytes);
  /// It gives the topic up. Returns what it had been charged; nullopt where it never subscribed.
  std::optional<std::size_t> end(const Caller& caller, std::string_view topic);

  /// Somebody who was connected by `descriptor` has left. Forgets who is known by it, unless that
  /// is who is connected now. `is_anyone_there`: whether somebody is.
  void forget(int descriptor, bool is_anyone_there, const OnGone& on_gone);

 private:
  struct Known {
    std::uint64_t number = 0;
    zmq::message_t kept;
    const void* properties = nullptr;
    /// The number that the system gave the connection which was there when it was heard first:
    /// this one's, or of one who came when it had left already, and has said nothing yet.
    ino_t connection = 0;
    Topics topics;
  };

  std::unordered_map<int, Known> by_descriptor_;
  std::uint64_t& last_;
};

}  // namespace bpx::bridge
