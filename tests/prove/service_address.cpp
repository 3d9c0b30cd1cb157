#include "tests/prove/service_address.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include <arpa/inet.h>
#include <boost/asio/ip/address_v4.hpp>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/prove/programs.hpp"

namespace tidegate::prove {

namespace {

constexpr const char* address_text = "10.96.0.1";
constexpr std::uint16_t service_port = 6001;

[[noreturn]] void refuse(const std::string& what) {
  throw Missing("--single needs " + what + " (" + std::strerror(errno) + ")");
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

// Brings `lo` up and puts the service's address on it.
void set_up_loopback() {
  const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (control < 0) refuse("a socket");
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  if (::ioctl(control, SIOCSIFFLAGS, &request) != 0) refuse("the right to bring the loopback up");
  ifreq alias{};
  std::snprintf(alias.ifr_name, sizeof alias.ifr_name, "lo:0");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, address_text, &address.sin_addr);
  std::memcpy(&alias.ifr_addr, &address, sizeof address);
  if (::ioctl(control, SIOCSIFADDR, &alias) != 0) refuse("the right to add an address to the loopback");
  ::close(control);
}

std::string rules(std::span<const std::uint16_t> ports) {
  std::ostringstream map;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    map << (i == 0 ? "" : ", ") << i << " : 127.0.0.1 . " << ports[i];
  }
  std::ostringstream out;
  out << "table ip prove\ndelete table ip prove\ntable ip prove {\n"
      << "  chain output {\n    type nat hook output priority -100; policy accept;\n"
      << "    ip daddr " << address_text << " tcp dport " << service_port << " dnat to numgen random mod "
      << ports.size() << " map { " << map.str() << " }\n  }\n";
  // Connections between clients and hop need no tracking; it would cost the two sides alike, for nothing.
  for (const char* hook : {"output", "prerouting"}) {
    out << "  chain untracked_" << hook << " {\n    type filter hook " << hook
        << " priority -300; policy accept;\n"
        << "    ip saddr 127.0.0.0/8 ip daddr 127.0.0.0/8 notrack\n  }\n";
  }
  out << "}\n";
  return out.str();
}

}  // namespace

void enter_own_network() {
  leave_network();
  set_up_loopback();
}

boost::asio::ip::tcp::endpoint service_address() {
  return {boost::asio::ip::make_address_v4(address_text), service_port};
}

void lead_to(std::span<const std::uint16_t> ports) {
  const auto nft = find_program("nft", "install it (apt-get install nftables); --single needs it");
  // The path holds no character that a shell would take for its own: it comes from a list of directories.
  FILE* pipe = ::popen((nft + " -f -").c_str(), "w");
  if (pipe == nullptr) refuse("to run " + nft);
  const auto text = rules(ports);
  std::fwrite(text.data(), 1, text.size(), pipe);
  if (::pclose(pipe) != 0)
    throw Missing("--single needs nft with NAT (kernel module nft_nat); it refused the rule");
}

}  // namespace tidegate::prove
