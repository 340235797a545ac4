#pragma once

#include <string>

namespace bpx::exchange {

/// One thing the exchange has to say: the stream that says it, and the JSON text of its `data`
/// member. The server adds the envelope, in the key order it was told to use.
struct Frame {
  std::string stream;
  std::string data;
};

}  // namespace bpx::exchange
