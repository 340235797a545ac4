#pragma once

#include "bridge/observe/histogram.hpp"

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// A series' label: `stream="depth.SOL_USDC"`.
struct MetricLabel {
  std::string_view name;
  std::string_view value;
};

/// A label in the text format, braces included: for those that thousands of series carry, each in
/// many families.
class LabelText {
 public:
  explicit LabelText(MetricLabel label);
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

/// Writes metrics in Prometheus' text format, one family after the other, so that a scrape of many
/// series holds no more than one family and its text in memory.
class MetricWriter {
 public:
  using Labels = std::initializer_list<MetricLabel>;

  /// Begins a family; the one before is finished with that. `name` is prefixed by the bridge's
  /// own, `process_name` is taken as it is.
  void counter(std::string_view name, std::string_view help);
  void gauge(std::string_view name, std::string_view help);
  void histogram(std::string_view name, std::string_view help);
  void process_counter(std::string_view process_name, std::string_view help);
  void process_gauge(std::string_view process_name, std::string_view help);

  /// Adds a series to the family begun.
  void add(double value, Labels labels = {});
  void add(std::uint64_t value, Labels labels = {}) { add(static_cast<double>(value), labels); }
  /// Nanoseconds become seconds.
  void add(const Histogram& histogram, Labels labels = {});

  /// The same, at a tenth of the cost: prometheus-cpp allocates for each series, and formats
  /// through streams. A family has all its series this way or none.
  void add(double value, const LabelText& label);
  void add(std::uint64_t value, const LabelText& label);

  /// Everything written.
  std::string finish();

 private:
  void begin(std::string name, std::string_view help, prometheus::MetricType type);
  prometheus::ClientMetric& add_series(Labels labels);
  template <typename Value>
  void add_line(Value value, const LabelText& label);
  /// The family's head, and those of its series that prometheus-cpp writes.
  void write_family();
  void end_family();

  std::string text_;
  std::vector<prometheus::MetricFamily> family_{1};  ///< as the serializer wants it: one
  bool is_head_written_ = false;
};

}  // namespace bpx::bridge
