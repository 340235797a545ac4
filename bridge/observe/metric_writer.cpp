#include "bridge/observe/metric_writer.hpp"

#include <prometheus/text_serializer.h>

#include <array>
#include <charconv>
#include <sstream>
#include <utility>

namespace bpx::bridge {
namespace {

std::string prefixed(std::string_view name) { return std::string("backpack_bridge_").append(name); }

double to_seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

/// As the text format wants a label's value.
void append_escaped(std::string& text, std::string_view value) {
  for (const char c : value) {
    switch (c) {
      case '\\': text += R"(\\)"; break;
      case '"': text += R"(\")"; break;
      case '\n': text += R"(\n)"; break;
      default: text += c;
    }
  }
}

}  // namespace

LabelText::LabelText(MetricLabel label) {
  text_.append("{").append(label.name).append("=\"");
  append_escaped(text_, label.value);
  text_ += "\"}";
}

void MetricWriter::counter(std::string_view name, std::string_view help) {
  begin(prefixed(name), help, prometheus::MetricType::Counter);
}

void MetricWriter::gauge(std::string_view name, std::string_view help) {
  begin(prefixed(name), help, prometheus::MetricType::Gauge);
}

void MetricWriter::histogram(std::string_view name, std::string_view help) {
  begin(prefixed(name), help, prometheus::MetricType::Histogram);
}

void MetricWriter::process_counter(std::string_view process_name, std::string_view help) {
  begin(std::string(process_name), help, prometheus::MetricType::Counter);
}

void MetricWriter::process_gauge(std::string_view process_name, std::string_view help) {
  begin(std::string(process_name), help, prometheus::MetricType::Gauge);
}

void MetricWriter::add(double value, Labels labels) {
  auto& series = add_series(labels);
  if (family_.front().type == prometheus::MetricType::Counter)
    series.counter.value = value;
  else
    series.gauge.value = value;
}

void MetricWriter::add(const Histogram& histogram, Labels labels) {
  auto& series = add_series(labels).histogram;
  const auto bounds = histogram.bounds_ns();
  series.bucket.reserve(bounds.size());
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    series.sample_count += histogram.count(i);
    series.bucket.push_back(
        {.cumulative_count = series.sample_count, .upper_bound = to_seconds(bounds[i])});
  }
  series.sample_count += histogram.count(bounds.size());  // the serializer adds +Inf from it
  series.sample_sum = histogram.sum_ns() / 1e9;
}

template <typename Value>
void MetricWriter::add_line(Value value, const LabelText& label) {
  if (!is_head_written_) write_family();
  std::array<char, 32> number{};  // enough for any where std::to_chars() chooses the form
  char* const end = std::to_chars(number.data(), number.data() + number.size(), value).ptr;
  text_.append(family_.front().name).append(label.view()).append(" ");
  text_.append(number.data(), end).append("\n");
}

void MetricWriter::add(double value, const LabelText& label) { add_line(value, label); }

void MetricWriter::add(std::uint64_t value, const LabelText& label) { add_line(value, label); }

std::string MetricWriter::finish() {
  end_family();
  return std::move(text_);
}

void MetricWriter::begin(std::string name, std::string_view help, prometheus::MetricType type) {
  end_family();
  family_.front() = {
      .name = std::move(name), .help = std::string(help), .type = type, .metric = {}};
  is_head_written_ = false;
}

prometheus::ClientMetric& MetricWriter::add_series(Labels labels) {
  auto& series = family_.front().metric.emplace_back();
  for (const auto& [name, value] : labels)
    series.label.push_back({std::string(name), std::string(value)});
  return series;
}

void MetricWriter::write_family() {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, family_);
  text_ += text.view();
  is_head_written_ = true;
}

/// A family without series is not written.
void MetricWriter::end_family() {
  if (!family_.front().metric.empty()) write_family();
  family_.front().metric.clear();
}

}  // namespace bpx::bridge
