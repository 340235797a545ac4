#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace bpx::bridge {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class LogFormat : std::uint8_t { text, json };

/// One named value of a log line.
struct LogField {
  using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <typename T>
  LogField(std::string_view name, const T& of) : key(name), value(to_value(of)) {}

  std::string_view key;
  Value value;

 private:
  template <typename T>
  static Value to_value(const T& of) {
    if constexpr (std::is_same_v<T, bool>)
      return of;
    else if constexpr (std::is_floating_point_v<T>)
      return static_cast<double>(of);
    else if constexpr (std::is_unsigned_v<T>)
      return static_cast<std::uint64_t>(of);
    else if constexpr (std::is_integral_v<T>)
      return static_cast<std::int64_t>(of);
    else
      return std::string_view(of);
  }
};

/// Where finished lines go, without the line break. Called on the log's own thread.
using LogSink = std::function<void(LogLevel, std::string_view line)>;

/// A log of events with named values, as lines for a person (`text`) or a machine (`json`, one
/// object a line, times in UTC). Thread safe. Lines are written by a thread of the log's own: a
/// caller never waits for a terminal or a pipe, and where that cannot keep up, the oldest waiting
/// lines are lost. The destructor writes what is still waiting.
class Log {
 public:
  struct Options {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    LogSink sink = {};  ///< stderr where empty
  };
  using Fields = std::initializer_list<LogField>;

  explicit Log(Options options);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool is_enabled(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }

  /// What is written from now on.
  void set_level(LogLevel level);

  /// `event` is a fixed phrase to search for; whatever varies goes into `fields`.
  void write(LogLevel level, std::string_view event, Fields fields = {});

  void debug(std::string_view event, Fields fields = {}) { write(LogLevel::debug, event, fields); }
  void info(std::string_view event, Fields fields = {}) { write(LogLevel::info, event, fields); }
  void warn(std::string_view event, Fields fields = {}) { write(LogLevel::warn, event, fields); }
  void error(std::string_view event, Fields fields = {}) { write(LogLevel::error, event, fields); }

  static LogLevel level_of(std::string_view name);    ///< a valid `log.level`
  static LogFormat format_of(std::string_view name);  ///< a valid `log.format`

 private:
  class Writer;

  std::atomic<LogLevel> level_;
  LogFormat format_;
  std::unique_ptr<Writer> writer_;
};

}  // namespace bpx::bridge
