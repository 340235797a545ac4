#include "bridge/cli/commands.hpp"

#include <zmq.h>

#include <array>
#include <iostream>

namespace bpx::bridge::cli {

int keygen() {
  constexpr std::size_t kZ85Bytes = 41;  // 40 characters and the end mark
  std::array<char, kZ85Bytes> public_key{};
  std::array<char, kZ85Bytes> secret_key{};
  do {  // again where a key begins with a hyphen: given to a program, it would pass for an option
    if (zmq_curve_keypair(public_key.data(), secret_key.data()) != 0) {
      std::cerr
          << "backpack-bridge: this libzmq was built without CURVE; install one that has it\n";
      return kCannotRun;
    }
  } while (public_key.front() == '-' || secret_key.front() == '-');
  std::cout << "public_key " << public_key.data() << "\nsecret_key " << secret_key.data() << '\n';
  return kStopped;
}

}  // namespace bpx::bridge::cli
