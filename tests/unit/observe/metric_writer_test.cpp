#include "bridge/observe/metric_writer.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bpx::bridge {
namespace {

/// One family of one series, its label written by prometheus-cpp or made beforehand.
template <typename Value>
std::string by_serializer(std::string_view name, Value value) {
  MetricWriter writer;
  writer.counter("x_total", "What it counts.");
  writer.add(value, {{"stream", name}});
  return writer.finish();
}

template <typename Value>
std::string by_label_text(std::string_view name, Value value) {
  MetricWriter writer;
  writer.counter("x_total", "What it counts.");
  writer.add(value, LabelText({"stream", name}));
  return writer.finish();
}

TEST(MetricWriter, WritesALabelMadeBeforehandAsPrometheusCppDoes) {
  for (const auto name : {"depth.SOL_USDC", "", R"(back\slash)", R"("quoted")", "two\nlines", "é"})
    EXPECT_EQ(by_label_text(name, std::uint64_t{7}), by_serializer(name, std::uint64_t{7}));
}

TEST(MetricWriter, WritesNumbersThatReadBackAsTheyWere) {
  for (const double value : {0.0, 1.0, 1.5, 1'790'000'000.1234567, 1e300, -2.5e-7}) {
    const auto text = by_label_text("a", value);
    EXPECT_EQ(std::stod(text.substr(text.rfind(' '))), value) << text;
  }
}

TEST(MetricWriter, LosesNoDigitOfACountThatADoubleCannotHold) {
  const auto text = by_label_text("a", std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(text.ends_with("x_total{stream=\"a\"} 18446744073709551615\n")) << text;
}

TEST(MetricWriter, WritesTheHeadOnceForAllSeriesOfAFamilyAndNoneForAFamilyWithoutSeries) {
  MetricWriter writer;
  writer.gauge("empty", "Of this nothing is known.");
  writer.gauge("x", "What it tells.");
  for (const auto name : {"a", "b"}) writer.add(1.0, LabelText({"stream", name}));
  writer.gauge("y", "Another.");
  writer.add(2.0);
  EXPECT_EQ(writer.finish(),
            "# HELP backpack_bridge_x What it tells.\n"
            "# TYPE backpack_bridge_x gauge\n"
            "backpack_bridge_x{stream=\"a\"} 1\n"
            "backpack_bridge_x{stream=\"b\"} 1\n"
            "# HELP backpack_bridge_y Another.\n"
            "# TYPE backpack_bridge_y gauge\n"
            "backpack_bridge_y 2\n");
}

}  // namespace
}  // namespace bpx::bridge
