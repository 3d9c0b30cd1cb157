// Port numbers for what a run starts.
#pragma once

#include <cstdint>
#include <vector>

namespace tidegate::prove {

// `count` free TCP ports of 127.0.0.1 below the range the kernel gives to outgoing connections. A port out of
// that range could, while its pod is down, be given to a connection, so that the pod cannot bind it again, or
// that a connection to it connects to itself. Throws std::runtime_error if there are not enough.
[[nodiscard]] std::vector<std::uint16_t> free_ports(std::size_t count);

}  // namespace tidegate::prove
