#include "gateway/cli/command_socket.hpp"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/yaml_tree.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/whole_file.hpp"

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

conf::Parsed<std::string> find_command_socket(const std::string& config_file, bool named) {
  const auto usual = [](std::string path) {
    return conf::Parsed<std::string>(boost::system::in_place_value, std::move(path));
  };
  const auto refuse = [&](const std::string& why) -> conf::Parsed<std::string> {
    if (!named) return usual(kStandardSocket);
    return {boost::system::in_place_error,
            conf::Unreadable{why + "; the admin socket of its gateway can be named with --socket instead"}};
  };
  const auto text = net::read_whole_file(config_file, conf::YamlBounds{}.bytes);
  if (!text) return refuse(config_file + ": " + text.error().why);
  conf::FaultList faults(config_file);
  const auto tree = conf::YamlTree::parse(*text, faults);
  if (tree.root() == nullptr && !faults.errors().empty()) return refuse(faults.errors().front().text());
  const auto* const socket = tree.locate("admin.socket");
  const bool is_path =
      socket != nullptr && socket->kind == conf::YamlValue::Kind::scalar && socket->text.starts_with('/');
  return usual(is_path ? socket->text : kStandardSocket);
}

}  // namespace tidegate::gateway
