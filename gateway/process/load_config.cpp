#include "gateway/process/load_config.hpp"

#include <chrono>
#include <exception>

#include "gateway/process/password_faults.hpp"
#include "gateway/process/surroundings.hpp"

namespace tidegate::gateway {
namespace {

LoadFaults lines_of(const conf::ConfigErrors& errors) {
  LoadFaults lines;
  for (const auto& error : errors) lines.push_back(error.text());
  return lines;
}

}  // namespace

LoadResult load_config(std::shared_ptr<const conf::Config> config, const LoadBasis& basis) {
  const auto now = std::chrono::system_clock::now();
  auto [faults, doubts] = look_around(*config);
  TlsMaking making;
  making.before = &basis.tls;
  making.stamps = net::stamps_of(tls_files(*config));
  auto contexts =
      std::make_shared<const TlsContexts>(make_tls_contexts(*config, basis.keys, now, faults, making));
  (void)check_password_files(*config, faults);  // its warnings come when the files are read
  if (!faults.empty()) return lines_of(faults);
  LoadedConfig loaded;
  loaded.warnings = tls_warnings(*config, *contexts, now);
  for (const auto& doubt : doubts) loaded.warnings.push_back(doubt.text());
  loaded.passwords = read_password_files(*config, basis.passwords, *basis.log);
  loaded.view = std::make_shared<WorkerView>(config, contexts, loaded.passwords);
  loaded.tls = {std::move(config), std::move(contexts), std::move(making.stamps)};
  return loaded;
}

LoadResult load_config(const ConfigSource& source, const LoadBasis& basis) {
  try {
    auto read = source.read();
    if (const auto* errors = std::get_if<conf::ConfigErrors>(&read)) return lines_of(*errors);
    auto config = std::make_shared<const conf::Config>(std::get<conf::Config>(std::move(read)));
    return load_config(std::move(config), basis);
  } catch (const std::exception& error) {
    return LoadFaults{error.what()};
  }
}

}  // namespace tidegate::gateway
