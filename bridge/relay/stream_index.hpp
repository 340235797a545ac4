#pragma once

#include "bridge/relay/stream.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstddef>
#include <string_view>

namespace bpx::bridge {

/// Streams by their names. With thousands of them, what a message touches of its own is in none of
/// the processor's nearer caches: so all of it is fetched at once, while the name is compared.
/// One thread; the streams outlive it and do not move.
class StreamIndex {
 public:
  void reserve(std::size_t streams) { entries_.reserve(streams); }

  void add(Stream& stream) {
    entries_.insert({hash(stream.name()), stream.name(), &stream, stream.measurements});
  }

  /// `stream` has been added, and is measured elsewhere now.
  void renew(Stream& stream) {
    entries_.erase(stream.name());
    add(stream);
  }

  /// nullptr where no stream is called `name`.
  Stream* find(std::string_view name) const {
    const auto found = entries_.find(name);
    return found != entries_.end() ? found->stream : nullptr;
  }

  /// The stream that is most likely called `name`, which is not compared: what belongs to it is on
  /// its way to the processor, and touched by nobody yet. nullptr where none is called so.
  Stream* foresee(std::string_view name) const {
    const auto found = entries_.find(Hashed{hash(name)});
    return found != entries_.end() ? found->stream : nullptr;
  }

 private:
  struct Entry {
    std::size_t hash;
    std::string_view name;
    Stream* stream;
    const StreamMeasurements* measurements;
  };

  struct Hashed {
    std::size_t hash;
  };

  static std::size_t hash(std::string_view name) { return boost::hash<std::string_view>()(name); }

  template <typename T>
  static void fetch(const T* object) {
    constexpr std::size_t kCacheLine = 64;
    const auto* const bytes = reinterpret_cast<const std::byte*>(object);
    for (std::size_t i = 0; i < sizeof(T); i += kCacheLine) __builtin_prefetch(bytes + i, 1);
  }

  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;  // as boost::hash of a string is: not to be mixed once more
    std::size_t operator()(std::string_view name) const { return hash(name); }
    std::size_t operator()(const Hashed& name) const { return name.hash; }
    std::size_t operator()(const Entry& entry) const { return entry.hash; }
  };

  struct IsCalled {
    using is_transparent = void;
    bool operator()(const Entry& one, const Entry& other) const { return one.name == other.name; }
    bool operator()(std::string_view name, const Entry& entry) const {
      fetch(entry.stream);  // few others have a hash like its name's: it is the one
      fetch(entry.measurements);
      return name == entry.name;
    }
    bool operator()(const Entry& entry, std::string_view name) const {
      return (*this)(name, entry);
    }
    bool operator()(const Hashed& name, const Entry& entry) const {
      if (name.hash != entry.hash) return false;
      fetch(entry.stream);
      fetch(entry.measurements);
      return true;
    }
    bool operator()(const Entry& entry, const Hashed& name) const { return (*this)(name, entry); }
  };

  boost::unordered_flat_set<Entry, Hash, IsCalled> entries_;
};

}  // namespace bpx::bridge
