#include "tests/support/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t counted = 0;
thread_local bool is_memory_out = false;

void count() {
  ++counted;
  if (is_memory_out) throw std::bad_alloc();
}

}  // namespace

// Every allocation of the program is counted on its way. The forms for arrays, and those that do
// not throw, come by here too.
void* operator new(std::size_t size) {
  count();
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  count();
  const auto align = static_cast<std::size_t>(alignment);
  if (void* const memory = std::aligned_alloc(align, (size + align - 1) / align * align))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace bpx::test {

std::size_t allocations() { return counted; }

OutOfMemory::OutOfMemory() { is_memory_out = true; }
OutOfMemory::~OutOfMemory() { is_memory_out = false; }

}  // namespace bpx::test
