// Whatever bytes an exchange sends behind its handshake, and however they are cut into reads: what
// comes out is what a parser says that has all of them before it at once.
//
// An input begins with a byte whose lowest bit says whether compression was agreed on, and four
// that choose how the rest is cut.
#include "bridge/upstream/frame_sieve.hpp"

#include "proto/envelope.hpp"
#include "tests/fuzz/frame_sieve_oracle.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <random>

namespace {

using bpx::bridge::FrameSieve;
using bpx::fuzz::Come;
using bpx::fuzz::require;

constexpr std::size_t kMaxMessage = 4'000;
constexpr std::string_view kAnswer = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// Feeds a sieve as a connection does.
class Feed {
 public:
  Feed(bool is_compression_agreed, std::uint32_t seed) : random_(seed) {
    write(kAnswer);
    std::string answer;
    for (auto rest = sieve_.rest(); !rest.empty(); rest = sieve_.rest()) answer += take(rest);
    require(answer == kAnswer, "the answer to the handshake comes out as it is");
    sieve_.handshake_is_over(is_compression_agreed);
  }

  void come(std::string_view bytes) {
    while (!bytes.empty() && sieve_.fault() == FrameSieve::Fault::none) {
      const auto at_once = random_() % 3 == 0 ? 1 + random_() % 8 : 1 + random_() % 5'000;
      bytes.remove_prefix(write(bytes.substr(0, at_once)));
      take_all();
    }
  }

  const std::vector<Come>& all() const { return all_; }
  bool is_faulty() const { return sieve_.fault() != FrameSieve::Fault::none; }

 private:
  std::size_t write(std::string_view bytes) {
    const auto space = sieve_.space();
    require(!space.empty(), "there is always room for more");
    const auto part = bytes.substr(0, space.size());
    std::ranges::copy(part, space.begin());
    sieve_.filled(part.size());
    return part.size();
  }

  void take_all() {
    for (;;) {
      if (const auto message = sieve_.take_message()) {
        for (std::size_t i = 0; i < bpx::proto::EnvelopeReader::kPadding; ++i)
          readable_ = message->data()[message->size() + i];
        all_.push_back({true, std::string(*message)});
        continue;
      }
      if (sieve_.fault() != FrameSieve::Fault::none) return;
      const auto rest = sieve_.rest();
      if (rest.empty()) return;
      add_rest(all_, take(rest));
    }
  }

  std::string take(std::span<const std::uint8_t> rest) {
    const auto size = std::min<std::size_t>(rest.size(), 1 + random_() % 2'000);
    std::string taken(reinterpret_cast<const char*>(rest.data()), size);
    sieve_.taken(size);
    return taken;
  }

  FrameSieve sieve_{kMaxMessage};
  std::mt19937 random_;
  std::vector<Come> all_;
  volatile char readable_ = 0;  ///< so that the padding is read
};

/// Whether `came` is how `expected` begins.
bool is_beginning(const std::vector<Come>& came, const std::vector<Come>& expected) {
  if (came.empty()) return true;
  if (came.size() > expected.size() || !std::equal(came.begin(), came.end() - 1, expected.begin()))
    return false;
  const auto& last = came.back();
  const auto& other = expected[came.size() - 1];
  return last == other ||
         (!last.is_message && !other.is_message && other.bytes.starts_with(last.bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t kChoices = 5;
  if (size < kChoices) return 0;
  std::uint32_t seed = 0;
  for (std::size_t i = 1; i < kChoices; ++i) seed = seed << 8U | bytes[i];
  const bool is_compression_agreed = (bytes[0] & 1U) != 0;
  const auto sent = bpx::fuzz::text_of(bytes + kChoices, size - kChoices);

  Feed feed(is_compression_agreed, seed);
  feed.come(sent);
  const auto expected = bpx::fuzz::read_all(sent, is_compression_agreed, kMaxMessage);
  if (expected.is_faulty) require(feed.is_faulty(), "a faulty message is found out");
  if (feed.is_faulty()) {
    require(expected.is_faulty || expected.ends_within_compressed, "a good message is no fault");
    require(is_beginning(feed.all(), expected.all), "all before a fault comes out");
  } else {
    require(feed.all() == expected.all, "all comes out, in order and unaltered");
  }
  return 0;
}
