#include "gateway/process/password_files.hpp"

#include <spdlog/logger.h>

namespace tidegate::gateway {

PasswordFilesByPath read_password_files(const conf::Config& config, const PasswordFilesByPath& before,
                                        spdlog::logger& log) {
  PasswordFilesByPath taken;
  for (const auto& route : config.routes) {
    if (!route.basic_auth) continue;
    const auto& path = route.basic_auth->file;
    auto& file = taken[path];
    if (file) continue;
    const auto known = before.find(path);
    file = known != before.end() ? known->second : std::make_shared<PasswordFile>(path);
    read_and_tell(*file, log);
  }
  return taken;
}

void read_and_tell(PasswordFile& file, spdlog::logger& log) {
  const auto reading = file.refresh();
  if (!reading.fault.empty()) {
    const bool known = file.generation() != 0;
    log.error("basicAuth: {}: {}; {}", file.path(), reading.fault,
              known ? "the names read before stay" : "nobody is let in until it can be read");
  }
  if (reading.mended) log.info("basicAuth: {}: can be read again and is in use", file.path());
  if (reading.nobody) log.warn("basicAuth: {}: {}", file.path(), names_nobody);
}

}  // namespace tidegate::gateway
