#include "tests/upstream/discovery/dns/name_server.hpp"

#include <csignal>
#include <fstream>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <unistd.h>

#include "tests/support/missing.hpp"
#include "tests/support/patience.hpp"

namespace tidegate::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

constexpr const char* program = "/usr/sbin/unbound";
constexpr int most_ports = 10;  // tried before it is given up

// A port that nobody had for both protocols just now. Another process can take it until unbound does, which
// is why starting is tried with several.
std::uint16_t free_port() {
  asio::io_context context;
  const auto loopback = asio::ip::make_address("127.0.0.1");
  for (int attempt = 0; attempt < most_ports; ++attempt) {
    const tcp::acceptor acceptor(context, tcp::endpoint(loopback, 0));
    const auto port = acceptor.local_endpoint().port();
    boost::system::error_code error;
    udp::socket socket(context, udp::v4());
    socket.bind(udp::endpoint(loopback, port), error);
    if (!error) return port;
  }
  throw Unexpected("no port is free for both UDP and TCP");
}

}  // namespace

// === NameServer ===

NameServer::NameServer() {
  if (::access(program, X_OK) != 0) throw Missing("/usr/sbin/unbound is not installed (package unbound)");
  for (int attempt = 1;; ++attempt) {
    port_ = free_port();
    try {
      start();
      return;
    } catch (const Unexpected&) {
      if (attempt == most_ports) throw;
    }
  }
}

void NameServer::write_configuration() const {
  std::ofstream file(folder_.file("unbound.conf"));
  file << "server:\n"
          "  interface: 127.0.0.1\n"
       << "  port: " << port_ << "\n"
       << "  directory: \"" << folder_.path() << "\"\n"
       << "  logfile: \"" << folder_.file("log") << "\"\n"
       << "  pidfile: \"" << folder_.file("pid") << "\"\n"
       << "  chroot: \"\"\n  username: \"\"\n  use-syslog: no\n  do-daemonize: no\n  do-ip6: no\n"
          "  num-threads: 1\n  module-config: \"iterator\"\n  rrset-roundrobin: yes\n";
  for (const auto* zone : {"test.", "local.", "10.in-addr.arpa."}) {
    file << "  local-zone: \"" << zone << "\" static\n"
         << "  local-data: \"" << zone << " 1 IN SOA ns." << zone << " root." << zone
         << " 1 3600 600 86400 1\"\n";
  }
  file << "remote-control:\n  control-enable: yes\n  control-use-cert: no\n"
       << "  control-interface: \"" << folder_.file("control") << "\"\n";
}

void NameServer::start() {
  write_configuration();
  process_ =
      bench::start_program({program, "-d", "-c", folder_.file("unbound.conf")}, folder_.file("output"));
  // It ends at once where the port is taken.
  const bool settled = holds_within(kPatience, [this] { return !process_.running() || answers(); });
  if (!settled || !process_.running()) throw Unexpected("unbound does not start");
}

bool NameServer::answers() const {
  try {
    control("status");
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

// The protocol of unbound-control(8): a line, and an answer up to the end.
void NameServer::control(const std::string& command) const {
  asio::io_context context;
  asio::local::stream_protocol::socket socket(context);
  socket.connect(asio::local::stream_protocol::endpoint(folder_.file("control")));
  asio::write(socket, asio::buffer("UBCT1 " + command + "\n"));
  std::string answer;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(answer), end);
  if (answer.starts_with("error") || answer.empty()) throw Unexpected(command + ": " + answer);
}

void NameServer::refuse(const std::string& name, bool refuses) {
  control(refuses ? "local_zone " + name + " always_refuse" : "local_zone_remove " + name);
}

void NameServer::pause() {
  ::kill(process_.id(), SIGSTOP);
}

void NameServer::resume() {
  ::kill(process_.id(), SIGCONT);
}

// === CodeServer ===

CodeServer::CodeServer(asio::io_context& context, std::optional<unsigned> code)
    : socket_(context, udp::endpoint(asio::ip::make_address("127.0.0.1"), 0)), code_(code) {
  receive();
}

std::string CodeServer::address() const {
  return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
}

void CodeServer::receive() {
  socket_.async_receive_from(asio::buffer(bytes_), peer_, [this](const auto& error, std::size_t size) {
    if (error) return;
    ++asked_;
    if (code_ && size > 3) {
      bytes_[2] |= 0x80U;
      bytes_[3] = static_cast<std::uint8_t>(*code_);
      boost::system::error_code ignored;
      socket_.send_to(asio::buffer(bytes_, size), peer_, 0, ignored);
    }
    receive();
  });
}

}  // namespace tidegate::test
