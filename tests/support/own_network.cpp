#include "tests/support/own_network.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/missing.hpp"

namespace tidegate::test {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Missing("a network of its own needs " + what + " (" + std::strerror(errno) + ")");
}

void write_file(const char* path, const std::string& content) {
  std::ofstream file(path);
  file << content;
}

void leave_network() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0) return;
  if (errno != EPERM) refuse("network and mount namespaces, which this kernel does not give");
  // Not root: a user namespace in which we are.
  const auto user = std::to_string(::getuid());
  const auto group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) {
    refuse("root, or user namespaces (sysctl kernel.unprivileged_userns_clone=1)");
  }
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + user + " 1");
  write_file("/proc/self/gid_map", "0 " + group + " 1");
}

void control(unsigned long request, ifreq& argument, const char* right) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) refuse("a socket");
  if (::ioctl(socket, request, &argument) != 0) refuse(right);
  ::close(socket);
}

}  // namespace

void enter_own_network() {
  leave_network();
  ifreq loopback{};
  std::snprintf(loopback.ifr_name, sizeof loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  control(SIOCSIFFLAGS, loopback, "the right to bring the loopback up");
}

void add_address(const char* address) {
  ifreq alias{};
  std::snprintf(alias.ifr_name, sizeof alias.ifr_name, "lo:0");
  sockaddr_in added{};
  added.sin_family = AF_INET;
  ::inet_pton(AF_INET, address, &added.sin_addr);
  std::memcpy(&alias.ifr_addr, &added, sizeof added);
  control(SIOCSIFADDR, alias, "the right to add an address to the loopback");
}

void set_packet_rules(const std::string& rules) {
  // nft lives where the PATH of an ordinary user does not lead. Without it the rules are read all the same:
  // writing them to nobody would be a SIGPIPE.
  FILE* pipe = ::popen(
      "PATH=\"$PATH:/usr/local/sbin:/usr/sbin:/sbin\"; command -v nft >/dev/null || { cat >/dev/null; exit "
      "127; }; "
      "exec nft -f -",
      "w");
  if (pipe == nullptr) refuse("to run nft");
  std::fwrite(rules.data(), 1, rules.size(), pipe);
  const int status = ::pclose(pipe);
  if (status == 0) return;
  constexpr int not_found = 127;  // of a shell
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_found) {
    throw Missing("nft is missing: install it (apt-get install nftables)");
  }
  throw Missing("nft refused the rules: are the kernel's modules nf_tables and nft_nat there?");
}

}  // namespace tidegate::test
