#pragma once

#include "tests/exchange/source.hpp"

#include <filesystem>
#include <vector>

namespace bpx::exchange {

/// Frames recorded earlier, one envelope a line, played in order and byte for byte.
class ReplaySource final : public Source {
 public:
  /// Reads the whole file; empty lines are left out. Throws std::runtime_error with the line that
  /// is no envelope.
  ReplaySource(const std::filesystem::path& file, bool loops);

  void set_rate(double per_second, std::int64_t now_us) override {
    pacer_.start(per_second, now_us);
  }
  const Pacer& pacer() const override { return pacer_; }
  std::int64_t due_us(std::int64_t now_us) const override;
  void play(std::int64_t now_us, std::size_t limit, std::vector<SharedMessage>& out) override;

 private:
  std::vector<SharedMessage> recording_;
  std::size_t next_ = 0;
  bool loops_;
  Pacer pacer_;
};

}  // namespace bpx::exchange
