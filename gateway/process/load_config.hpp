// From a configuration to what the gateway serves by: everything that reads files or compiles.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "conf/config_error.hpp"
#include "gateway/process/config_source.hpp"
#include "gateway/process/tls_build.hpp"
#include "gateway/process/worker_view.hpp"

namespace tidegate::gateway {

// What is in force, and goes on where it is the same.
struct LoadBasis {
  std::shared_ptr<net::TicketKeys> keys;
  std::shared_ptr<spdlog::logger> log;
  TlsBuild tls;
  PasswordFilesByPath passwords;
};

struct LoadedConfig {
  TlsBuild tls;
  PasswordFilesByPath passwords;
  std::shared_ptr<WorkerView> view;   // still without what control adds: see Control::apply
  std::vector<std::string> warnings;  // sentences for the log
};

// What it was not good for: one line each, with its place where it has one.
using LoadFaults = std::vector<std::string>;
using LoadResult = std::variant<LoadedConfig, LoadFaults>;

// Makes it of `config`. Blocks on files: not for a worker.
[[nodiscard]] LoadResult load_config(std::shared_ptr<const conf::Config> config, const LoadBasis& basis);
// Reads it first, and resolves its names.
[[nodiscard]] LoadResult load_config(const ConfigSource& source, const LoadBasis& basis);

}  // namespace tidegate::gateway
