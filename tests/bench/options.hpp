// What the command line says.
#pragma once

#include <string>

namespace tidegate::bench {

struct Options {
  std::string tidegate;             // path of the gateway's program
  std::string nginx = "nginx";      // path or name; `none`: left out
  std::string haproxy = "haproxy";  // path or name; `none`: left out
  int sockets = 9'000;              // idle tunnels, clients that vanish
  int ceiling = 0;                  // bytes of the gateway per idle tunnel above which `idle` fails; 0: none
  int requests = 100'000;           // HTTP requests
  int connections = 64;             // keep-alive connections that send them
  int messages = 100'000;           // WebSocket messages
  int message_sockets = 100;        // tunnels that carry them
  int handshakes = 10'000;          // WebSocket handshakes
  bool tls = false;                 // clients come by https or wss
  bool half_open = false;           // clients vanish without FIN or RST, and pods too
  int rounds = 3;                   // of each measurement of time; the least one counts
  int frame_rounds = 9;             // of `frames`; the median counts
  int change_seconds = 60;          // of `discovery`, in which endpoints change
  std::string source;               // tidegate: where its endpoints come from; empty: the one server
  std::string inspect;              // tidegate: what its route does about frames; empty: its default
};

}  // namespace tidegate::bench
