#pragma once

#include <string_view>

namespace bpx::bridge::cli {

/// What is said where memory ran out, by which no word can be made up any more.
inline constexpr std::string_view kOutOfMemory =
    "backpack-bridge: out of memory; raise its limit (MemoryMax=, --memory, ulimit -v), or lower "
    "publish.replay_bytes and publish.queue_bytes\n";

/// Stands in for standard streams that are closed, so that no file or socket gets their numbers.
/// What is written to them fails.
void keep_standard_streams();

/// A file that may not grow (RLIMIT_FSIZE, `ulimit -f`) refuses what is written, as a full disk
/// does, instead of ending this process.
void outlive_full_files();

/// Says kOutOfMemory and ends with status 1 where memory runs out on a thread, or in a function,
/// that no exception can leave, instead of aborting.
void end_where_memory_runs_out();

/// Keeps this process's memory from others of the same user: no core dump, no debugger, no reading
/// of /proc/PID/mem and /proc/PID/environ but by root.
void seal_memory();

/// Lets this process open as many files as the system grants it. What is usual where nobody asks,
/// 1024, was chosen for programs that use select(), which nothing here does. Throws where that is
/// too few for the bridge whatever its configuration.
void open_many_files();

}  // namespace bpx::bridge::cli
