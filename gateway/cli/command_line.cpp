#include "gateway/cli/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>

#include "conf/schema.hpp"
#include "conf/yaml_reader.hpp"
#include "gateway/cli/command_socket.hpp"
#include "gateway/cli/order_commands.hpp"
#include "gateway/process/gateway.hpp"
#include "gateway/process/password_faults.hpp"
#include "gateway/process/started_with.hpp"
#include "gateway/process/surroundings.hpp"
#include "gateway/process/tls_contexts.hpp"
#include "gateway/process/version.hpp"

namespace tidegate::gateway {
namespace {

constexpr const char* kDefaultFile = "/etc/tidegate/tidegate.yaml";

// One line each, and their number.
std::string text_of(const std::string& file, const conf::ConfigErrors& errors) {
  std::string text;
  for (const auto& error : errors) text += error.text() + "\n";
  return text + file + ": " + std::to_string(errors.size()) + (errors.size() == 1 ? " error" : " errors");
}

// The exit status after `errors` were shown.
int print(const std::string& file, const conf::ConfigErrors& errors) {
  std::fprintf(stderr, "%s\n", text_of(file, errors).c_str());
  return 1;
}

void warn(const std::string& warning) {
  std::fprintf(stderr, "warning: %s\n", warning.c_str());
}

// As the gateway serves it: with a place for its command socket. `why` says why it has none.
conf::ReadResult read_for_serving(const std::string& file, const std::string& inherited, std::string& why) {
  auto result = conf::read_yaml_file(file);
  if (auto* config = std::get_if<conf::Config>(&result)) place_command_socket(config->admin, inherited, why);
  return result;
}

// The configuration, or nullptr after its errors were printed.
std::shared_ptr<const conf::Config> load(const std::string& file) {
  auto result = conf::read_yaml_file(file);
  if (auto* config = std::get_if<conf::Config>(&result))
    return std::make_shared<const conf::Config>(std::move(*config));
  (void)print(file, std::get<conf::ConfigErrors>(result));
  return nullptr;
}

int check(const std::string& file) {
  const auto config = load(file);
  if (!config) return 1;
  conf::ConfigErrors faults;
  const auto now = std::chrono::system_clock::now();
  const auto contexts =
      make_tls_contexts(*config, std::make_shared<net::TicketKeys>(std::chrono::hours(12)), now, faults);
  for (const auto& warning : check_password_files(*config, faults)) warn(warning.text());
  // Only warnings: this may be another machine than the one where it is to serve, and another user.
  const auto surroundings = look_around(*config);
  for (const auto& fault : surroundings.lacking) warn(fault.text() + " (here it would not start)");
  for (const auto& fault : surroundings.doubtful) warn(fault.text());
  if (!faults.empty()) return print(file, faults);
  for (const auto& warning : tls_warnings(*config, contexts, now)) warn(warning);
  std::printf("%s: the configuration is valid\n", file.c_str());
  return 0;
}

// What reloads read. The standard place of the command socket was decided at start and stays.
ConfigSource source_of(const std::string& file, const conf::Admin& at_start) {
  const bool standard = at_start.socket_path == kStandardSocket;
  return {file, [file, standard] {
            auto result = conf::read_yaml_file(file);
            auto* const config = std::get_if<conf::Config>(&result);
            if (config == nullptr || config->admin.socket != conf::CommandSocket::standard) return result;
            std::string ignored;
            if (!standard) {
              place_command_socket(config->admin, {}, ignored);
            } else {
              config->admin.socket = conf::CommandSocket::at_path;
              config->admin.socket_path = kStandardSocket;
            }
            return result;
          }};
}

void handle_signals(boost::asio::signal_set& signals, Gateway& gateway) {
  signals.async_wait([&signals, &gateway](const boost::system::error_code& error, int number) {
    if (error) return;
    if (number == SIGUSR1) {
      gateway.reopen_logs();
    } else if (number == SIGHUP) {
      gateway.reload();
    } else if (number == SIGUSR2) {
      gateway.upgrade({});
    } else {
      gateway.shut_down();
    }
    handle_signals(signals, gateway);
  });
}

// The program as it can be started again, also after its file was replaced.
SuccessorProgram self_of(int argc, char** argv) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  return {program.string(), std::vector<std::string>(argv, argv + argc)};
}

void serve(const std::string& file, StartedWith started, Predecessor* predecessor) {
  std::string no_socket;
  auto result = read_for_serving(file, started.commands.address, no_socket);
  if (const auto* errors = std::get_if<conf::ConfigErrors>(&result))
    throw std::runtime_error(text_of(file, *errors));
  const auto config = std::make_shared<const conf::Config>(std::get<conf::Config>(std::move(result)));
  Gateway gateway(config, source_of(file, config->admin), std::move(started));
  if (!no_socket.empty()) gateway.note(no_socket);
  boost::asio::signal_set signals(gateway.context(), SIGTERM, SIGINT, SIGUSR1);
  signals.add(SIGQUIT);
  // Unhandled they would end the process, and every socket with it: nginx's users send them to reload and
  // upgrade, and a terminal that is closed sends SIGHUP.
  signals.add(SIGHUP);
  signals.add(SIGUSR2);
  handle_signals(signals, gateway);
  if (predecessor != nullptr) gateway.take_over(*predecessor);
  gateway.run();
}

int serve(const std::string& file, SuccessorProgram self) {
  const auto predecessor = Predecessor::of_environment();
  auto started = take_environment();
  started.self = std::move(self);
  std::signal(SIGPIPE, SIG_IGN);
  try {
    if (predecessor) predecessor->greet(started);
    serve(file, std::move(started), predecessor.get());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    if (predecessor) predecessor->say_failed(error.what());
    return 1;
  }
  return 0;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app("tidegate: a reverse proxy and WebSocket upgrade gateway that hides the restarts of its pods");
  std::string file = kDefaultFile;
  app.add_option("-c,--config", file, "Configuration file (YAML)")->capture_default_str();
  app.set_version_flag("--version", "tidegate " + std::string(version()));
  app.require_subcommand(0, 1);
  auto* const check_command = app.add_subcommand("check", "Read and validate the configuration, then exit");
  check_command->add_option("-c,--config", file, "Configuration file (YAML)")->capture_default_str();
  auto* const schema_command =
      app.add_subcommand("schema", "Print the configuration's JSON Schema, for editors");
  const auto perform_order = add_order_commands(app, file);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (schema_command->parsed()) {
    std::printf("%s\n", conf::json_schema().c_str());
    return 0;
  }
  if (const int status = perform_order(); status >= 0) return status;
  return check_command->parsed() ? check(file) : serve(file, self_of(argc, argv));
}

}  // namespace tidegate::gateway
