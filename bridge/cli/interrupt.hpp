#pragma once

namespace bpx::bridge::cli {

/// From here on SIGINT and SIGTERM no longer end the program but make is_interrupted() true and
/// interrupt whatever the main thread waits for.
void catch_interrupts();

bool is_interrupted();

}  // namespace bpx::bridge::cli
