// The log files of a configuration, opened so that a failure names the key that is to blame.
#pragma once

#include <memory>

#include "conf/config.hpp"
#include "gateway/observe/access_log.hpp"
#include "gateway/observe/failure_log.hpp"

namespace tidegate::gateway {

// All of these throw std::runtime_error with the place, the key and the reason.
[[nodiscard]] ErrorLog open_error_log(const conf::Config& config);
// Null if there is to be none. `errors` hears of lines that could not be written.
[[nodiscard]] std::shared_ptr<AccessLog> open_access_log(const conf::Config& config,
                                                         const std::shared_ptr<spdlog::logger>& errors);
// What fails leaves the log as it is.
void change_error_log(ErrorLog& log, const conf::Config& config);

}  // namespace tidegate::gateway
