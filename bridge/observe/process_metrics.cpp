#include "bridge/observe/process_metrics.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

std::uint64_t resident_bytes() {
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t open_fds() {
  std::error_code error;
  const std::filesystem::directory_iterator descriptors("/proc/self/fd", error);
  if (error) return 0;
  const auto count = std::distance(begin(descriptors), end(descriptors));
  return static_cast<std::uint64_t>(count) - 1;  // one is open to read the directory
}

std::uint64_t max_fds() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

/// Unix time at which the machine started: the line `btime` of /proc/stat.
double boot_time_seconds() {
  std::ifstream stat("/proc/stat");
  for (std::string word; stat >> word;
       stat.ignore(std::numeric_limits<std::streamsize>::max(), '\n'))
    if (double seconds = 0; word == "btime" && stat >> seconds) return seconds;
  return 0;
}

double find_start_time_seconds() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto name_end = text.rfind(')');  // the 2nd field, which may itself contain anything
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  constexpr int kFieldsBetween = 19;  // the 3rd to the 21st; starttime is the 22nd
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  double ticks = 0;
  fields >> ticks;
  return boot_time_seconds() + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Looked for once: the machine's start is reckoned back from the wall clock, so that a step of
/// that would look like a restart.
double start_time_seconds() {
  static const double kSeconds = find_start_time_seconds();
  return kSeconds;
}

}  // namespace

ProcessMetrics ProcessMetrics::read() {
  return {.cpu_seconds = bridge::cpu_seconds(),
          .resident_bytes = bridge::resident_bytes(),
          .open_fds = bridge::open_fds(),
          .max_fds = bridge::max_fds(),
          .start_time_seconds = bridge::start_time_seconds()};
}

}  // namespace bpx::bridge
