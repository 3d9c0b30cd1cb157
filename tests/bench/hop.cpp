#include "tests/bench/hop.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <poll.h>
#include <sys/socket.h>

#include "tests/bench/loopback.hpp"
#include "tests/bench/process_facts.hpp"
#include "tests/support/certificates.hpp"

namespace tidegate::bench {
namespace {

namespace fs = std::filesystem;

constexpr int start_patience_ms = 10'000;
constexpr int poll_ms = 10;

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : std::string();
  // nginx and haproxy live where the PATH of an ordinary user does not lead.
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/local/sbin:/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto file = folder;
    file += "/";
    file += name;
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return {};
}

// Whether something listens on the port. Waits for the outcome of the connect.
bool takes_connections(std::uint16_t port) {
  const auto socket = begin_connect(port);
  pollfd waiting{socket.get(), POLLOUT, 0};
  return ::poll(&waiting, 1, poll_ms * 10) == 1 && connect_error(socket.get()) == 0;
}

std::string content_of(const std::string& file) {
  std::ifstream in(file);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

// Each hop has a folder of its own below the one that lives as long as the bench.
const std::string& bench_folder() {
  static const Folder folder;
  return folder.path();
}

// Every hop shows the same certificate (ECDSA P-256).
const test::Issued& identity() {
  static test::Authority authority;
  static const auto issued = authority.issue();
  return issued;
}

std::string program_of(Kind kind, const Options& options) {
  switch (kind) {
    case Kind::tidegate: return options.tidegate;
    case Kind::nginx: return options.nginx;
    case Kind::haproxy: return options.haproxy;
  }
  return {};
}

}  // namespace

const char* name_of(Kind kind) {
  static constexpr std::array names{"tidegate", "nginx", "haproxy"};
  return names[static_cast<std::size_t>(kind)];
}

Folder::Folder() {
  path_ = (fs::temp_directory_path() / "tidegate-bench-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::optional<Hop> Hop::start(Kind kind, const Options& options, std::uint16_t server_port) {
  const auto wanted = program_of(kind, options);
  if (wanted == "none") return std::nullopt;
  const auto program = find_program(wanted);
  if (program.empty()) {
    std::printf("%s is missing here and left out\n", wanted.c_str());
    return std::nullopt;
  }
  const auto port = free_port();
  Layout layout{bench_folder() + "/" + name_of(kind) + "-" + std::to_string(port),
                port,
                free_port(),
                server_port,
                options.sockets,
                {},
                {},
                options.half_open,
                options.source,
                options.inspect};
  if (options.tls) {
    const auto& issued = identity();
    layout.certificate = issued.certificate;
    layout.key = issued.key;
  }
  fs::create_directories(layout.folder);
  const auto file = layout.folder + "/configuration";
  const auto log = layout.folder + "/log";
  std::ofstream(file) << configuration(kind, layout);
  std::vector<std::string> command{program, "-c", file};
  if (kind == Kind::nginx) command = {program, "-p", layout.folder, "-e", log, "-c", file};
  if (kind == Kind::haproxy) command = {program, "-db", "-f", file};

  Hop hop(kind, start_program(command, log), layout);
  for (int waited = 0; waited < start_patience_ms && hop.child_.running(); waited += poll_ms) {
    if (takes_connections(layout.port)) return hop;
    ::poll(nullptr, 0, poll_ms);
  }
  throw std::runtime_error(program + " did not start:\n" + content_of(log) +
                           content_of(layout.folder + "/error.log"));
}

std::vector<pid_t> Hop::processes() const {
  return family_of(child_.id());
}

std::string Hop::metrics() const {
  const auto socket = begin_connect(layout_.admin_port);
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  pollfd waiting{socket.get(), POLLOUT, 0};
  std::string text;
  if (::poll(&waiting, 1, start_patience_ms) != 1 || !write_all(socket.get(), request)) return text;
  waiting.events = POLLIN;
  std::array<char, 16 * 1024> bytes{};
  while (::poll(&waiting, 1, start_patience_ms) == 1) {
    const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (count <= 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace tidegate::bench
