#include "gateway/cli/command_socket.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/yaml_tree.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::gateway {
namespace {

// Somebody answers at that socket.
bool is_alive(const std::string& path) {
  const auto address = net::SocketAddress::from_path(path);
  if (!address) return false;
  const net::UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), address->data(), address->size()) == 0;
}

}  // namespace

void place_command_socket(conf::Admin& admin, const std::string& inherited, std::string& why) {
  if (admin.socket != conf::CommandSocket::standard) return;
  admin.socket = conf::CommandSocket::off;
  if (!admin.enabled) return;
  const std::filesystem::path path(kStandardSocket);
  const auto folder = path.parent_path();
  // Whoever may not write there (another user than root, a read-only container) has not asked for it either:
  // nothing is said before a command finds nobody. 0755: that it is there is no secret; the socket itself is
  // 0600.
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return;
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0) return;
  if (inherited != kStandardSocket && is_alive(kStandardSocket)) {
    why = "no command socket: another tidegate has " + path.string() + "; set admin.socket to another path";
    return;
  }
  admin.socket = conf::CommandSocket::at_path;
  admin.socket_path = kStandardSocket;
}

std::string find_command_socket(const std::string& config_file) {
  std::ifstream stream(config_file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  conf::FaultList faults(config_file);
  const auto tree = conf::YamlTree::parse(text, faults);
  const auto* const socket = tree.locate("admin.socket");
  const bool named =
      socket != nullptr && socket->kind == conf::YamlValue::Kind::scalar && socket->text.starts_with('/');
  return named ? socket->text : kStandardSocket;
}

}  // namespace tidegate::gateway
