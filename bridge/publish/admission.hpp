#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// Which clients may come in, by their CURVE public keys.
class Admission {
 public:
  /// `allow`: keys as 40 characters of Z85, or `*` for every client. Empty admits nobody.
  explicit Admission(const std::vector<std::string>& allow = {})
      : keys_(allow.begin(), allow.end()), is_for_all_(keys_.contains("*")) {}

  bool admits(std::string_view key) const { return is_for_all_ || keys_.contains(key); }

 private:
  std::set<std::string, std::less<>> keys_;
  bool is_for_all_;
};

}  // namespace bpx::bridge
