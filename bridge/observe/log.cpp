#include "bridge/observe/log.hpp"

#include "bridge/observe/log_line.hpp"
#include "bridge/observe/stderr_sink.hpp"
#include "bridge/thread_name.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <chrono>
#include <mutex>
#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::size_t kWaitingLines = 8192;

/// Hands lines to a function instead of a stream.
class FunctionSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FunctionSink(LogSink function) : function_(std::move(function)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto level = static_cast<LogLevel>(message.level);
    function_(level, {message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  LogSink function_;
};

static_assert(static_cast<int>(LogLevel::trace) == SPDLOG_LEVEL_TRACE &&
              static_cast<int>(LogLevel::error) == SPDLOG_LEVEL_ERROR);

using Threads = spdlog::details::thread_pool;

/// Writes to stderr, and says there how many lines gave way to newer ones in the queue of
/// `threads`.
LogSink write_to_stderr(LogFormat format, Threads& threads) {
  // shared_ptr, because a std::function must be one that can be copied.
  return [sink = std::make_shared<StderrSink>(format), &threads, counted = std::size_t{0}](
             LogLevel, std::string_view line) mutable {
    const auto overrun = threads.overrun_counter();
    sink->note_dropped(overrun - std::exchange(counted, overrun));
    sink->write(line);
  };
}

}  // namespace

class Log::Writer {
 public:
  Writer(LogFormat format, LogSink function)
      : threads_(std::make_shared<Threads>(kWaitingLines, 1, [] { name_this_thread("log"); })) {
    if (!function) function = write_to_stderr(format, *threads_);
    logger_ = std::make_shared<spdlog::async_logger>(
        "bridge", std::make_shared<FunctionSink>(std::move(function)), threads_,
        spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_level(spdlog::level::trace);  // the Log has already looked
    logger_->flush_on(spdlog::level::warn);
  }

  void write(LogLevel level, const std::string& line) {
    logger_->log(static_cast<spdlog::level::level_enum>(level), line);
  }

 private:
  // shared_ptr, because spdlog's interfaces ask for it. The pool has no other owner: its destructor
  // writes what still waits, then joins the thread.
  std::shared_ptr<Threads> threads_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

Log::Log(Options options)
    : level_(options.level),
      format_(options.format),
      writer_(std::make_unique<Writer>(options.format, std::move(options.sink))) {}

Log::~Log() = default;

void Log::set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }

void Log::write(LogLevel level, std::string_view event, Fields fields) {
  if (!is_enabled(level)) return;
  const auto now = std::chrono::system_clock::now();
  writer_->write(level, format_ == LogFormat::json ? json_line(now, level, event, fields)
                                                   : text_line(now, level, event, fields));
}

LogLevel Log::level_of(std::string_view name) {
  constexpr std::array kLevels = {LogLevel::trace, LogLevel::debug, LogLevel::info, LogLevel::warn,
                                  LogLevel::error};
  for (const auto level : kLevels)
    if (level_name(level) == name) return level;
  return LogLevel::info;
}

LogFormat Log::format_of(std::string_view name) {
  return name == "json" ? LogFormat::json : LogFormat::text;
}

}  // namespace bpx::bridge
