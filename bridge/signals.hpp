#pragma once

#include <array>
#include <csignal>
#include <string>

namespace bpx::bridge {

/// What ends the bridge in order, what makes it read its configuration again, and what would kill
/// it though it means nothing here.
inline constexpr std::array kSignals = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

/// `SIGTERM`
std::string name_of(int signal);

/// From now on they wait, for this thread and those that it starts, until take_signal() or
/// release_signals(): nobody who signals the bridge ends it in the midst of its start, or of its
/// end.
void hold_signals();

/// Whether SIGTERM or SIGINT is among those that wait.
bool is_asked_to_end();

/// A descriptor, the caller's, that is readable while one of them waits. Throws std::system_error.
int open_signals();

/// One that waits; 0 where none does. Of equal ones only the first waits.
int take_signal(int descriptor);

/// For where nobody handles them. Whoever started the bridge may have held them too.
void release_signals();

}  // namespace bpx::bridge
