#include "gateway/process/open_logs.hpp"

#include <stdexcept>
#include <string>
#include <system_error>

#include "conf/config_error.hpp"

namespace tidegate::gateway {
namespace {

// What `open` makes; a failure names the key of the file.
template <class Open>
auto open_log(const conf::Config& config, const std::string& key, Open open) {
  try {
    return open();
  } catch (const std::system_error& error) {
    const auto path = config.is_written(key + ".path") ? key + ".path" : key;
    throw std::runtime_error(conf::ConfigError{config.place_of(path), path, error.what()}.text());
  }
}

}  // namespace

ErrorLog open_error_log(const conf::Config& config) {
  return open_log(config, "log.error", [&config] { return ErrorLog(config.error_log); });
}

std::shared_ptr<AccessLog> open_access_log(const conf::Config& config,
                                           const std::shared_ptr<spdlog::logger>& errors) {
  if (!config.access_log.enabled) return nullptr;
  return open_log(config, "log.access",
                  [&] { return std::make_shared<AccessLog>(config.access_log, errors); });
}

void change_error_log(ErrorLog& log, const conf::Config& config) {
  open_log(config, "log.error", [&] { log.change(config.error_log); });
}

}  // namespace tidegate::gateway
