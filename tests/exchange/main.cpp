#include "tests/exchange/command_line.hpp"
#include "tests/exchange/simulated_exchange.hpp"

#include <nlohmann/json.hpp>
#include <pthread.h>

#include <exception>
#include <iostream>
#include <utility>

#include <signal.h>

namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void announce(const bpx::exchange::SimulatedExchange& exchange) {
  const nlohmann::ordered_json addresses{{"websocket", exchange.websocket_url()},
                                         {"rest", exchange.rest_url()},
                                         {"port", exchange.port()},
                                         {"control_port", exchange.control_port()}};
  std::cout << addresses.dump() << std::endl;
}

int run(bpx::exchange::ExchangeOptions options) {
  // Blocked before there are further threads, which inherit this: the signals are for sigwait.
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  bpx::exchange::SimulatedExchange exchange(std::move(options));
  announce(exchange);
  int signal = 0;
  sigwait(&signals, &signal);
  // Who asks a second time does not want to wait for the grace period.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  exchange.shut_down();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto command_line = bpx::exchange::parse_command_line(argc, argv);
  if (!command_line.options) return command_line.exit_status;
  try {
    return run(std::move(*command_line.options));
  } catch (const std::exception& failure) {
    std::cerr << "simulated-exchange: " << failure.what() << '\n';
    return 1;
  }
}
