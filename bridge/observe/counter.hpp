#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bpx::bridge {

/// A value that one thread sets and any thread reads.
template <typename T>
class Gauge {
 public:
  explicit Gauge(T value = {}) : value_(value) {}

  void set(T value) { value_.store(value, std::memory_order_relaxed); }
  T value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<T> value_;
};

/// A count that one thread raises and any thread reads. Raising it is a plain addition: with a
/// single writer no locked instruction is needed, which on the way of every message counts.
class Counter {
 public:
  void add(std::uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// One counter for each of `Words`, an array of all values of an enumeration in their order.
template <const auto& Words>
class CounterOfEach {
 public:
  using Word = typename std::remove_cvref_t<decltype(Words)>::value_type;

  Counter& operator[](Word word) { return counters_[static_cast<std::size_t>(word)]; }
  const Counter& operator[](Word word) const { return counters_[static_cast<std::size_t>(word)]; }

 private:
  std::array<Counter, Words.size()> counters_;
};

}  // namespace bpx::bridge
