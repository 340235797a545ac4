#include "bridge/publish/refusals.hpp"

#include <bit>

namespace bpx::bridge {
namespace {

constexpr std::chrono::minutes kReminder{1};

/// Strangers from ever new addresses fill neither memory nor log: beyond so many they count as one.
constexpr std::size_t kMaxSeries = 1'000;
constexpr std::string_view kOthers = "others";

}  // namespace

void Refusals::note(std::string_view address, std::string_view reason, std::string_view key) {
  counter_.add();
  if (address.empty()) address = "unknown";
  auto& [name, series] = series_of(address, reason);
  ++series.count;
  const auto now = Clock::now();
  if (!std::has_single_bit(series.count) && now - series.said < kReminder) return;
  series.said = now;
  const auto shown = name.first == kOthers ? "others, lately " + std::string(address) : name.first;
  log_.warn("refused", {{"endpoint", endpoint_},
                        {"address", shown},
                        {"reason", reason},
                        {"key", key},
                        {"count", series.count}});
}

Refusals::Named& Refusals::series_of(std::string_view address, std::string_view reason) {
  std::pair name{std::string(address), std::string(reason)};
  const auto known = series_.find(name);
  if (known != series_.end()) return *known;
  if (series_.size() >= kMaxSeries) name.first = kOthers;
  return *series_.try_emplace(std::move(name)).first;
}

}  // namespace bpx::bridge
