#pragma once

#include "tests/exchange/instrument.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace bpx::exchange {

/// Every name that a client may subscribe to, spelt out.
class StreamCatalogue {
 public:
  /// The streams that belong to no symbol.
  StreamCatalogue();

  void list(const Instrument& instrument);

  bool contains(std::string_view name) const { return names_.contains(name); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };

  std::unordered_set<std::string, Hash, std::equal_to<>> names_;
};

}  // namespace bpx::exchange
