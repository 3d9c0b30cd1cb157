// The password files in use: each is read when its configuration is taken up, before anybody is asked.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "conf/config.hpp"
#include "gateway/process/password_file.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

using PasswordFilesByPath = std::map<std::string, std::shared_ptr<PasswordFile>>;

// Those of the configuration, read; what could not be is logged. A file that is among `before` goes on with
// what was read of it: should it be broken at this moment, the names read before stay. Blocks on the files:
// not for a worker.
[[nodiscard]] PasswordFilesByPath read_password_files(const conf::Config& config,
                                                      const PasswordFilesByPath& before, spdlog::logger& log);

// Reads the file if it has changed, and logs what is new: a fault and its consequence, that it is mended,
// that it names nobody. Blocks: not for a worker.
void read_and_tell(PasswordFile& file, spdlog::logger& log);

}  // namespace tidegate::gateway
