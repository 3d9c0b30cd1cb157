// The Unix socket over which the running gateway takes commands: where it is.
#pragma once

#include <string>

#include "conf/config.hpp"
#include "conf/units.hpp"

namespace tidegate::gateway {

// Where it is if the configuration names no other place. The directory is the one that systemd makes with
// `RuntimeDirectory=tidegate`; for root it is made here. In /run nobody but root can put something in the
// socket's place.
inline constexpr const char* kStandardSocket = "/run/tidegate/admin.sock";

// Decides about CommandSocket::standard before the gateway starts: at the standard place if that can be had,
// otherwise none. `inherited` is the one that another process hands over, or empty. `why` gets a sentence if
// another gateway has it.
void place_command_socket(conf::Admin& admin, const std::string& inherited, std::string& why);

// For a client of it: the path that the file names, also if the file is faulty elsewhere; else the standard
// one. An error if the file cannot be read and was named by the user: another gateway is not what is meant.
[[nodiscard]] conf::Parsed<std::string> find_command_socket(const std::string& config_file, bool named);

}  // namespace tidegate::gateway
