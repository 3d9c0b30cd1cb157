// Address families, and what happens when descriptors run out.
#include <filesystem>
#include <optional>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/error_log_file.hpp"
#include "tests/support/temporary_folder.hpp"
#include "wire/net/socket_address.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::string proxy(const std::string& listener, const ScriptedBackend& backend, const std::string& rest = "") {
  return "listeners: ['" + listener +
         "']\nroutes: [{ path: /, upstream: pods }]\nupstreams: { pods: { endpoints: ['" + backend.address() +
         "'] } }\n" + rest;
}

// All descriptors of this process, taken until the end of its life.
class Exhaustion {
 public:
  Exhaustion() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    hoard_.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit tight{static_cast<rlim_t>(hoard_.back().get()) + 8, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &tight);
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY))
      hoard_.emplace_back(fd);
  }
  ~Exhaustion() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  Exhaustion(const Exhaustion&) = delete;
  Exhaustion& operator=(const Exhaustion&) = delete;

 private:
  rlimit before_{};
  std::vector<net::UniqueFd> hoard_;
};

// A client that connects when the gateway has no descriptor left to accept it with; later there are some
// again.
struct Unlucky {
  explicit Unlucky(const GatewayFixture& gateway) {
    const auto out_of_descriptors = [&] {
      return gateway.workers([](const auto& c) {
        return c.accept_errors_by_kind[static_cast<std::size_t>(gateway::AcceptError::out_of_descriptors)]
            .value();
      });
    };
    // The client's own socket is made first, so that accepting it is what fails.
    const auto address = net::SocketAddress::from_ip("127.0.0.1", gateway.port());
    net::UniqueFd own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto earlier = out_of_descriptors();
    std::optional<Exhaustion> exhaustion(std::in_place);
    const bool connected = ::connect(own.get(), address->data(), address->size()) == 0;
    noticed = connected && holds_within(kPatience, [&] { return out_of_descriptors() > earlier; });
    times = out_of_descriptors() - earlier;
    exhaustion.reset();
    socket = RawSocket(std::move(own));
  }

  RawSocket socket;
  bool noticed = false;
  std::uint64_t times = 0;  // that accepting it failed
};

}  // namespace

TEST_CASE("a Unix socket is listened on by two workers, and removed at the end") {
  const TemporaryFolder directory;
  const auto path = directory.file("gateway.sock");
  ScriptedBackend backend;
  backend.serve(answer_all("here"));
  {
    GatewayFixture gateway(proxy("unix:" + path, backend, "workers: 2\n"));
    for (int i = 0; i < 10; ++i) {
      RawClient client(path);
      CHECK(client.get().body == "here");
    }
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a Unix socket is an endpoint, also one that is not there yet") {
  const TemporaryFolder directory;
  ScriptedBackend backend("unix:" + directory.file("pod.sock"));
  backend.serve([](RawSocket& connection) {
    while (!connection.at_end()) connection.send(ok(connection.read_request().field("Host")));
  });
  backend.refuse();
  std::filesystem::remove(directory.file("pod.sock"));
  GatewayFixture gateway(proxy("127.0.0.1:0", backend));
  RawClient client(gateway.port());
  client.send(get());
  wait_until("it to wait", [&] { return gateway.waiting("pods") == 1; });
  backend.listen();
  CHECK(client.read_answer().body == "test");
  CHECK(client.get().body == "test");
}

TEST_CASE("what cannot be opened at the start is named with its key and place") {
  const auto fault_of = [](const std::string& yaml) -> std::string {
    try {
      const GatewayFixture gateway(yaml);
    } catch (const std::runtime_error& fault) {
      return fault.what();
    }
    return {};
  };
  const ScriptedBackend taken;
  CHECK(fault_of(proxy(taken.address(), taken))
            .starts_with("test.yaml:1:13: listeners[0]: cannot listen on " + taken.address() +
                         ": Address already in use"));
  CHECK(fault_of(proxy("127.0.0.1:0", taken, "log: { error: { path: /proc/none } }\n"))
            .starts_with("test.yaml:4:23: log.error.path: "));
}

TEST_CASE("IPv6 on both sides") {
  if (!net::family_available(AF_INET6)) return;
  ScriptedBackend backend("::1");
  GatewayFixture gateway(proxy("[::1]:0", backend));
  RawClient client(gateway.port(), "::1");
  client.send("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
  auto pod = backend.accept();
  const auto request = pod.read_request();
  CHECK(request.field("X-Forwarded-For") == "::1");
  CHECK(request.field("Host") == "[::1]:80");
  pod.send(ok("x"));
  CHECK(client.read_answer().body == "x");
}

TEST_CASE("when descriptors run out the gateway sheds, does not spin, and recovers") {
  ScriptedBackend backend;
  GatewayFixture gateway(proxy("127.0.0.1:0", backend));
  RawClient client(gateway.port());
  client.send(get());
  auto pod = backend.accept();
  (void)pod.read_request();

  Unlucky unlucky(gateway);
  CHECK(unlucky.noticed);
  CHECK(unlucky.times < 5);
  (void)unlucky.socket.read_to_end();  // told at once, not left in the queue
  pod.send(ok("here"));
  CHECK(client.read_answer().body == "here");
  client.send(get());
  CHECK(pod.read_request().method == "GET");
  pod.send(ok("still here"));
  CHECK(client.read_answer().body == "still here");
}

TEST_CASE("when descriptors run out an idle connection makes room for the newcomer") {
  if (tls_everywhere()) return;  // the newcomer speaks in the clear
  ScriptedBackend backend;
  backend.serve(answer_all("here"));
  GatewayFixture gateway(proxy("127.0.0.1:0", backend));
  RawClient idle(gateway.port());
  CHECK(idle.get().body == "here");

  Unlucky unlucky(gateway);
  CHECK(unlucky.noticed);
  CHECK(idle.expect_end() == StreamEnd::orderly);
  unlucky.socket.send(get());
  CHECK(unlucky.socket.read_answer().body == "here");
}

TEST_CASE("that descriptors ran out is said once, not anew after each connection that was accepted") {
  if (tls_everywhere()) return;  // the newcomers speak in the clear
  const ErrorLogFile log;
  ScriptedBackend backend;
  backend.serve(answer_all("here"));
  {
    GatewayFixture gateway(proxy("127.0.0.1:0", backend, log.yaml()));
    for (int i = 0; i < 3; ++i) {
      RawClient idle(gateway.port());
      CHECK(idle.get().body == "here");
      Unlucky unlucky(gateway);
      CHECK(unlucky.noticed);
      unlucky.socket.send(get());
      CHECK(unlucky.socket.read_answer().body == "here");
    }
  }
  std::istringstream in(log.text());
  int lines = 0;
  for (std::string line; std::getline(in, line);) lines += line.find("accept failed") != std::string::npos;
  CHECK(lines == 1);
}

TEST_CASE("the admin listener answers while the process has no descriptor left") {
  ScriptedBackend backend;
  GatewayFixture gateway(proxy("127.0.0.1:0", backend));
  const auto address = net::SocketAddress::from_ip("127.0.0.1", gateway.admin_port());
  std::vector<net::UniqueFd> sockets;
  sockets.reserve(20);
  for (int i = 0; i < 20; ++i) sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto connect = [&] {
    auto socket = std::move(sockets.back());
    sockets.pop_back();
    REQUIRE(::connect(socket.get(), address->data(), address->size()) == 0);
    return RawSocket(std::move(socket));
  };
  const Exhaustion exhaustion;
  // More of them than it has kept aside descriptors.
  std::vector<RawSocket> silent;
  std::vector<RawSocket> answered;
  silent.reserve(6);
  answered.reserve(6);
  for (int i = 0; i < 6; ++i) silent.push_back(connect());
  for (int i = 0; i < 6; ++i) {
    const std::string page = i % 2 == 0 ? "/ready" : "/metrics";
    CAPTURE(i, page);
    answered.push_back(connect());  // and stays open: what it would free here the gateway could have
    auto& client = answered.back();
    client.send("GET " + page + " HTTP/1.1\r\nHost: admin\r\n\r\n");
    const auto answer = client.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.field("Connection") == "close");  // it is soon there for others
    // Files can be read for it, too.
    if (i % 2 != 0) CHECK(answer.body.find("\nprocess_open_fds 0\n") == std::string::npos);
  }
  CHECK(silent.front().expect_end() == StreamEnd::orderly);
}
