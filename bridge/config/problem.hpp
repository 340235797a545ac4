#pragma once

#include "bridge/bounded.hpp"

#include <string>
#include <vector>

namespace bpx::bridge {

/// One thing that is wrong with the configuration. No member ever holds a secret.
struct Problem {
  std::string path;   ///< the key, e.g. `upstream.window_ms`, or what stands in its place
  std::string wrong;  ///< what is wrong
  std::string mend;   ///< what to do about it

  friend bool operator==(const Problem&, const Problem&) = default;
};

using Problems = std::vector<Problem>;

/// The line that a person reads: `config: <path>: <what is wrong>; <what to do>`. Each is bounded.
inline std::string to_line(const Problem& problem) {
  return "config: " + bounded(problem.path) + ": " + bounded(problem.wrong) + "; " +
         bounded(problem.mend);
}

}  // namespace bpx::bridge
