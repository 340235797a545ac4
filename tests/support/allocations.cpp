#include "tests/support/allocations.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

thread_local std::atomic<std::size_t> counted = 0;  // written by this thread alone
thread_local std::ptrdiff_t held = 0;               // bytes
thread_local std::ptrdiff_t most_held = 0;
thread_local bool is_memory_out = false;

void count() {
  counted.store(counted.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (is_memory_out) throw std::bad_alloc();
}

void* taken(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  held += static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  most_held = std::max(most_held, held);
  return memory;
}

void give_back(void* memory) {
  held -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

// Every allocation of the program is counted on its way. The forms for arrays, and those that do
// not throw, come by here too.
void* operator new(std::size_t size) {
  count();
  return taken(std::malloc(size));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  count();
  const auto align = static_cast<std::size_t>(alignment);
  return taken(std::aligned_alloc(align, (size + align - 1) / align * align));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace bpx::test {

std::size_t allocations() { return counted; }

const std::atomic<std::size_t>& count_of_this_thread() { return counted; }

MostHeld::MostHeld() : before_(held) { most_held = held; }

std::size_t MostHeld::bytes() const { return static_cast<std::size_t>(most_held - before_); }

OutOfMemory::OutOfMemory() { is_memory_out = true; }
OutOfMemory::~OutOfMemory() { is_memory_out = false; }

}  // namespace bpx::test
