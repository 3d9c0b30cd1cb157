// How the commands to the running gateway are written.
#pragma once

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace tidegate::gateway {

// Adds `status`, `reload`, `upgrade`, `drain`, `undrain` and `endpoint` to `app`. The result performs the one
// that was parsed and gives its exit status, or -1 if it was none of them. `config_file` is read when it is
// called, and must outlive it.
[[nodiscard]] std::function<int()> add_order_commands(CLI::App& app, std::string& config_file);

}  // namespace tidegate::gateway
