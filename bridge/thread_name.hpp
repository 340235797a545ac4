#pragma once

#include <pthread.h>

namespace bpx::bridge {

/// Calls the calling thread `name`, of at most 15 characters, wherever the system tells threads
/// apart: `top -H`, /proc/PID/task/TID/comm, a profile. The main thread has the program's name, as
/// pgrep expects.
inline void name_this_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace bpx::bridge
