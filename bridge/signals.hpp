#pragma once

#include <array>
#include <csignal>

namespace bpx::bridge {

/// What ends the bridge in order, and what makes it read its configuration again.
inline constexpr std::array kSignals = {SIGTERM, SIGINT, SIGHUP};

/// From now on they wait, for this thread and those that it starts, until release_signals(): nobody
/// who signals the bridge ends it in the midst of its start.
void hold_signals();

/// For the thread that has come to handle them. Whoever started the bridge may have held them too.
void release_signals();

}  // namespace bpx::bridge
