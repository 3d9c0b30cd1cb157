// The commands that talk to the running gateway: status, reload, upgrade, drain, undrain, endpoint drain and
// undrain.
#pragma once

#include <chrono>
#include <string>

namespace tidegate::gateway {

// Each prints what happened, a sentence or the faults one a line, and returns the exit status: 0, or 1 if it
// was not done, nobody answers there, or the time was over.

[[nodiscard]] int order_reload(const std::string& socket);

// Prints its state on stdout, as JSON if that is wanted. The exit status tells three cases apart: 0, it is
// ready; 1, it answers and is not ready; 3, it cannot be reached (as the `status` of LSB's init scripts).
[[nodiscard]] int order_status(const std::string& socket, bool json);

// `program` may be empty: the one that runs, as its file is now.
[[nodiscard]] int order_upgrade(const std::string& socket, const std::string& program);

struct DrainWait {
  bool wait = false;                     // until no request and no tunnel is left
  std::chrono::milliseconds timeout{0};  // 0: for ever
};
[[nodiscard]] int order_drain(const std::string& socket, const DrainWait& wait);
[[nodiscard]] int order_undrain(const std::string& socket);
// `upstream` may be empty: the endpoints of that address or name of all upstreams.
[[nodiscard]] int order_endpoint(const std::string& socket, const std::string& address,
                                 const std::string& upstream, bool drain);

}  // namespace tidegate::gateway
