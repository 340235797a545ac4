#pragma once

#include <cstddef>

namespace bpx::bridge {

/// Where the snapshots of books come from. Called on the relaying thread, never blocks; books go by
/// their number in `publish.books`.
class SnapshotSource {
 public:
  /// A snapshot of `book`, taken from now on, is to be had and delivered, however many attempts it
  /// takes.
  virtual void want(std::size_t book) = 0;

  /// It no longer is. One may be delivered all the same.
  virtual void forget(std::size_t book) = 0;

 protected:
  ~SnapshotSource() = default;
};

}  // namespace bpx::bridge
