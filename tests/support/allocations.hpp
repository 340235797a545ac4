#pragma once

#include <atomic>
#include <cstddef>

namespace bpx::test {

/// How often this thread has asked operator new for memory. Of a program that is linked with
/// allocations.cpp, which counts every one of its own and of its libraries; malloc() is not
/// counted.
std::size_t allocations();

/// The same, to be read by others as long as this thread is there.
const std::atomic<std::size_t>& count_of_this_thread();

/// How much memory from there this thread has held at most since this was made, beyond what it held
/// then. One at a time.
class MostHeld {
 public:
  MostHeld();
  std::size_t bytes() const;

 private:
  std::ptrdiff_t before_;
};

/// As long as it lives, this thread gets no memory from operator new.
class OutOfMemory {
 public:
  OutOfMemory();
  ~OutOfMemory();
  OutOfMemory(const OutOfMemory&) = delete;
  OutOfMemory& operator=(const OutOfMemory&) = delete;
};

}  // namespace bpx::test
