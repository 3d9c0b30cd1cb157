#include "gateway/cli/order_commands.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "conf/units.hpp"
#include "gateway/cli/command_socket.hpp"
#include "gateway/cli/orders.hpp"

namespace tidegate::gateway {
namespace {

struct Arguments {
  std::string socket;  // empty: where the configuration says
  DrainWait wait;
  std::string timeout;
  std::string address;
  std::string upstream;
  std::string program;
  bool json = false;
};

CLI::App* add(CLI::App& app, const char* name, const char* description, Arguments& arguments,
              std::string& config_file) {
  auto* const command = app.add_subcommand(name, description);
  command->add_option("-c,--config", config_file, "Configuration file (YAML) of the running gateway")
      ->capture_default_str();
  command->add_option("--socket", arguments.socket, "Its admin socket; default: admin.socket of that file");
  return command;
}

// Empty, and a line on stderr, if there is none to be had.
std::string socket_of(const Arguments& arguments, const std::string& config_file, bool named) {
  if (!arguments.socket.empty()) return arguments.socket;
  const auto found = find_command_socket(config_file, named);
  if (found) return *found;
  std::fprintf(stderr, "%s\n", found.error().why.c_str());
  return {};
}

}  // namespace

std::function<int()> add_order_commands(CLI::App& app, std::string& config_file) {
  const auto arguments = std::make_shared<Arguments>();
  auto& taken = *arguments;
  auto* const status =
      add(app, "status", "Show the state of the running gateway: 0 ready, 1 not ready, 3 not there", taken,
          config_file);
  status->add_flag("--json", taken.json, "For programs");
  auto* const reload =
      add(app, "reload", "Have the running gateway read its configuration anew", taken, config_file);
  auto* const upgrade =
      add(app, "upgrade",
          "Have another process take over: its listening sockets and its WebSockets in clear text", taken,
          config_file);
  upgrade->add_option("PROGRAM", taken.program, "What to start; default: the file of the running program");
  auto* const drain =
      add(app, "drain", "Have it end: /ready 503 at once, accepting for shutdown.delay, then its WebSockets",
          taken, config_file);
  drain->add_flag("--wait", taken.wait.wait, "Return when nothing is left");
  drain
      ->add_option_function<std::string>(
          "--timeout",
          [arguments](const std::string& text) {
            const auto time = conf::parse_duration(text);
            if (!time) throw CLI::ValidationError("--timeout", "expected a time such as 90s, found " + text);
            arguments->wait.timeout = *time;
          },
          "With --wait: return with status 1 after this time (such as 90s)")
      ->needs("--wait");
  auto* const undrain = add(app, "undrain", "Have it serve again", taken, config_file);
  auto* const endpoint = app.add_subcommand("endpoint", "Take one endpoint out, or put it back");
  endpoint->require_subcommand(1);
  const auto add_of_endpoint = [&](const char* name, const char* description) {
    auto* const command = add(*endpoint, name, description, taken, config_file);
    command->add_option("ADDRESS", taken.address, "Its address or name as in /endpoints")->required();
    command->add_option("--upstream", taken.upstream, "Of this upstream only");
    return command;
  };
  auto* const endpoint_drain = add_of_endpoint("drain", "Nothing new goes to it, its WebSockets leave");
  auto* const endpoint_undrain = add_of_endpoint("undrain", "It may be picked again");

  const std::vector<CLI::App*> all{status, reload, upgrade, drain, undrain, endpoint};
  return [=, &config_file, usual_file = config_file]() -> int {
    if (std::ranges::none_of(all, [](const CLI::App* command) { return command->parsed(); })) return -1;
    const auto socket = socket_of(*arguments, config_file, config_file != usual_file);
    if (socket.empty()) return status->parsed() ? 3 : 1;
    if (status->parsed()) return order_status(socket, arguments->json);
    if (reload->parsed()) return order_reload(socket);
    if (upgrade->parsed()) return order_upgrade(socket, arguments->program);
    if (drain->parsed()) return order_drain(socket, arguments->wait);
    if (undrain->parsed()) return order_undrain(socket);
    if (endpoint_drain->parsed())
      return order_endpoint(socket, arguments->address, arguments->upstream, true);
    if (endpoint_undrain->parsed())
      return order_endpoint(socket, arguments->address, arguments->upstream, false);
    return -1;
  };
}

}  // namespace tidegate::gateway
