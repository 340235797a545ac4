#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bpx::test {

/// What this program's look-ups of names find: it takes the place of the system's getaddrinfo() in
/// every program that it is linked into. Other names are looked up as ever. One at a time.
class ScriptedNames {
 public:
  ScriptedNames() = default;
  ScriptedNames(const ScriptedNames&) = delete;
  ScriptedNames& operator=(const ScriptedNames&) = delete;
  ~ScriptedNames();  ///< lets all look-ups go that hang, and waits until they are gone

  /// `host` has these addresses, in this order.
  void set(const std::string& host, std::vector<std::string> addresses);

  /// Look-ups of `host` do not end, until it is set.
  void hang(const std::string& host);

  /// Look-ups of `host` that have been begun, and those that have not ended.
  std::size_t begun(const std::string& host) const;
  std::size_t under_way(const std::string& host) const;
};

}  // namespace bpx::test
