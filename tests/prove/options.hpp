// What `tidegate-prove` is asked to prove.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::prove {

// The program between clients and pods.
enum class Via { tidegate, nginx, haproxy };
[[nodiscard]] std::string_view text(Via via);

// How pods are restarted during the run.
enum class Restarts { both, graceful, kill };

// What happens to the pods while the clients are at work.
enum class Trial {
  rollout,     // they are restarted one after another, twice round
  unready,     // all answer `/ready` with 503 for a while, under open sockets
  drain,       // each is emptied by the gateway's order, restarted and put back, under sockets that talk
  soketi,      // they are restarted once, and take new sockets meanwhile to send them away, as Soketi does
  kubernetes,  // they are restarted as Kubernetes does it, and the gateway hears of it from the API server
  reload,      // nothing; the gateway takes one new configuration after another, under sockets and requests
  capacity,    // nothing; the hop must keep each one's sockets under a limit
};

// By what the gateway finds out that a pod leaves; each includes those below it.
enum class Signs {
  first_frames,  // what it says behind a 101: `preset: soketi`
  closes,        // the Closes that it sends to open sockets
  probes,        // and refusals: what any hop has
};

[[nodiscard]] std::string_view text(Signs signs);

struct Options {
  Via via = Via::tidegate;
  int clients = 1000;
  std::chrono::seconds time{30};
  int runs = 1;
  Restarts restarts = Restarts::both;
  bool single = false;    // one address in front of the pods, as a Kubernetes Service
  bool tls = false;       // clients come by wss://
  bool all_down = false;  // all pods are gone for two seconds in the middle of the run
  bool retry = true;
  bool hold = true;
  std::optional<std::chrono::seconds> unready;  // Trial::unready: for so long
  std::optional<int> max_connections;           // Trial::capacity: the limit per pod
  bool drain = false;                           // Trial::drain
  std::chrono::seconds window{10};              // over which the sockets of a pod are closed then
  bool soketi = false;                          // Trial::soketi
  Signs signs = Signs::first_frames;            // of this run of it
  bool kubernetes = false;                      // Trial::kubernetes
  int reloads = 0;                              // Trial::reload: so many, five in a second
  bool timed = true;                            // paces and times are judged too
  int workers = 0;                              // of the hop; 0: its own default
  bool k6 = false;                              // clients are k6's
  std::string keep_logs;                        // directory; empty: logs go with the temporary directory
  std::string tidegate = "tidegate";            // programs: a path, or a name to look for
  std::string pod = "socket-pod";
  std::string k6_script;

  [[nodiscard]] Trial trial() const;
};

// The options, or the exit status if the program has nothing to do (--help, or an error already printed).
struct Parsed {
  Options options;
  std::optional<int> exit_status;
};
[[nodiscard]] Parsed parse_options(int argc, char** argv);

}  // namespace tidegate::prove
