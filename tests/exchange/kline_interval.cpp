#include "tests/exchange/kline_interval.hpp"

#include "tests/exchange/cadence.hpp"

#include <chrono>
#include <cstddef>

namespace bpx::exchange {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

sys_seconds to_seconds(std::int64_t time_us) {
  return std::chrono::floor<std::chrono::seconds>(
      std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(time_us)));
}

std::int64_t to_us(sys_days day) {
  return std::chrono::duration_cast<std::chrono::microseconds>(day.time_since_epoch()).count();
}

Period month_at(std::int64_t time_us) {
  const year_month_day date(std::chrono::floor<days>(to_seconds(time_us)));
  const auto month = date.year() / date.month();
  return {to_us(month / 1), to_us((month + std::chrono::months(1)) / 1)};
}

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

}  // namespace

Period period_at(const KlineInterval& interval, std::int64_t time_us) {
  if (interval.seconds == 0) return month_at(time_us);
  const std::int64_t length = interval.seconds * kSecond;
  const std::int64_t since_origin = time_us - interval.origin_seconds * kSecond;
  const std::int64_t into_period = (since_origin % length + length) % length;
  const std::int64_t start = time_us - into_period;
  return {start, start + length};
}

std::string iso_time(std::int64_t time_us) {
  const sys_seconds time = to_seconds(time_us);
  const auto day = std::chrono::floor<days>(time);
  const year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string out;
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, clock.hours().count(), 2);
  out += ':';
  append_padded(out, clock.minutes().count(), 2);
  out += ':';
  append_padded(out, clock.seconds().count(), 2);
  return out;
}

}  // namespace bpx::exchange
