#include "gateway/process/password_faults.hpp"

#include "gateway/process/password_file.hpp"

namespace tidegate::gateway {

conf::ConfigErrors check_password_files(const conf::Config& config, conf::ConfigErrors& faults) {
  conf::ConfigErrors warnings;
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const auto& basic_auth = config.routes[i].basic_auth;
    if (!basic_auth) continue;
    const auto reading = PasswordFile(basic_auth->file).refresh();
    const auto path = "routes[" + std::to_string(i) + "].basicAuth.file";
    if (!reading.fault.empty())
      faults.push_back({basic_auth->place, path, basic_auth->file + ": " + reading.fault});
    if (reading.nobody) warnings.push_back({basic_auth->place, path, basic_auth->file + ": " + names_nobody});
  }
  return warnings;
}

}  // namespace tidegate::gateway
