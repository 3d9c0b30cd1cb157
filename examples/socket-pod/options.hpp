// What the demo pod is told on its command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tidegate::pod {

// All delays count from the moment named; zero leaves the phase out.
struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6001;                   // 0: any free port, printed when it listens
  std::string name = "pod";                    // returned in `X-Pod` and `/stats`
  std::chrono::milliseconds start_refuse{0};   // from the start: the port refuses
  std::chrono::milliseconds start_unready{0};  // then: `/ready` and handshakes answer 503
  std::chrono::milliseconds pre_stop{0};       // from SIGTERM: everything goes on, as in `preStop: sleep`
  std::chrono::milliseconds grace{3000};       // then: sockets are sent away, the port still accepts
  bool reuse_port = false;
};

// Splits `host:port` or `[v6]:port`. Throws std::invalid_argument with the text that was refused.
void set_listen_address(Options& options, const std::string& text);

}  // namespace tidegate::pod
