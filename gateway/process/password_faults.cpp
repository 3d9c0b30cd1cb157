#include "gateway/process/password_faults.hpp"

#include "gateway/process/password_file.hpp"

namespace tidegate::gateway {

void check_password_files(const conf::Config& config, conf::ConfigErrors& faults) {
  for (std::size_t i = 0; i < config.routes.size(); ++i) {
    const auto& basic_auth = config.routes[i].basic_auth;
    if (!basic_auth) continue;
    const auto fault = PasswordFile(basic_auth->file).refresh();
    if (fault.empty()) continue;
    const auto path = "routes[" + std::to_string(i) + "].basicAuth.file";
    faults.push_back({basic_auth->place, path, basic_auth->file + ": " + fault});
  }
}

}  // namespace tidegate::gateway
