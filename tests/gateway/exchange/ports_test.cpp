// What happens when the machine has no port left to connect from. For that the test needs a network of its
// own, so it runs in a child process; where the system forbids such networks it is passed over.
#include <cstdio>
#include <exception>
#include <fstream>
#include <vector>

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/yaml_reader.hpp"
#include "gateway/process/surroundings.hpp"
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

constexpr int kPassed = 0;
constexpr int kFailed = 1;
constexpr int kForbidden = 77;

// A network namespace with nothing but a loopback interface, for this process and its later threads. A
// process may make one for itself where it may make a user namespace (user_namespaces(7)).
bool enter_own_network() {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  const net::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  loopback.ifr_flags = IFF_UP;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) == 0;
}

// From which ports connects are made; false where /proc cannot be written.
bool set_local_ports(int first, int last) {
  std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
  range << first << ' ' << last << std::flush;
  return range.good();
}

void expect(bool holds, const char* what) {
  if (!holds) throw Unexpected(what);
}

int run_out_of_ports() {
  if (!enter_own_network() || !set_local_ports(32768, 60999)) return kForbidden;
  OnePod t;
  RawClient second(t.gateway.port());
  // One port is left, and it serves each destination once: a single connection to the pod.
  expect(set_local_ports(20000, 20000), "the range to be narrowed");
  const auto kept_from_connecting = [&] {
    return t.gateway.upstream("pods", [](const auto& c) {
      return c.connect_failures_by_kind[static_cast<std::size_t>(gateway::ConnectFailure::no_local_port)]
          .value();
    });
  };
  t.client.send(get("/first"));
  auto held = t.backend.accept();
  expect(held.read_request().target == "/first", "the first request");
  second.send(get("/second"));
  // Three failures in a row would be enough to take it out if they were its own.
  wait_until("connects without a port, tried anew", [&] { return kept_from_connecting() >= 4; });
  expect(t.gateway.endpoints().at(0).state == upstream::EndpointState::ready,
         "the pod to stay ready: what lacks is not its fault");

  expect(set_local_ports(20000, 20001), "the range to be widened");
  auto pod = t.backend.answer_one(ok("late"));
  expect(second.read_answer().body == "late", "the second request to be served once there is a port");
  held.send(ok("early"));
  expect(t.client.read_answer().body == "early", "the first request to be served");
  return kPassed;
}

// Each source address has the one port for itself.
int run_out_of_ports_of_two_addresses() {
  if (!enter_own_network() || !set_local_ports(32768, 60999)) return kForbidden;
  OnePod t({.upstream = "    sourceAddresses: [127.0.0.2, 127.0.0.3]\n"
                        "    retry: { total: 300ms }\n    hold: off\n"});
  RawClient second(t.gateway.port());
  RawClient third(t.gateway.port());
  expect(set_local_ports(20000, 20000), "the range to be narrowed");
  std::vector<RawSocket> held;
  for (auto* client : {&t.client, &second}) {
    client->send(get());
    held.push_back(t.backend.accept());
    (void)held.back().read_request();
  }
  const auto answer = third.get();
  expect(answer.status == 503 && answer.has("Retry-After"), "the third to be told to come again");
  expect(t.gateway.failures(gateway::FailureReason::no_local_port) == 1, "the reason to be counted");
  expect(t.gateway.endpoints().at(0).state == upstream::EndpointState::ready, "the pod to stay ready");
  const auto successor = conf::read_yaml(
      "listeners: ['127.0.0.1:0']\nupstreams: { pods: { endpoints: ['127.0.0.1:1'], sourceAddresses: "
      "[127.0.0.2, 127.0.0.3] } }\n",
      "test.yaml");
  const auto around = gateway::look_around(std::get<conf::Config>(successor));
  expect(around.lacking.empty() && around.doubtful.empty(), "a successor to be able to start meanwhile");
  for (auto& pod : held) pod.send(ok("held"));
  expect(t.client.read_answer().body == "held", "the first to be served");
  expect(second.read_answer().body == "held", "the second to be served");
  return kPassed;
}

int outcome_of_child(int (*body)()) {
  const auto child = ::fork();
  if (child == 0) {
    int outcome = kFailed;
    try {
      outcome = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(outcome);
  }
  int status = 0;
  REQUIRE(child > 0);
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
}

}  // namespace

TEST_CASE("when local ports run out requests wait for one, and the endpoint is not blamed") {
  const int outcome = outcome_of_child(run_out_of_ports);
  if (outcome == kForbidden) {
    WARN("passed over: a network of its own is not allowed here");
    return;
  }
  CHECK(outcome == kPassed);
}

TEST_CASE("a second source address has ports of its own, and then the gateway says what it lacks") {
  const int outcome = outcome_of_child(run_out_of_ports_of_two_addresses);
  if (outcome == kForbidden) {
    WARN("passed over: a network of its own is not allowed here");
    return;
  }
  CHECK(outcome == kPassed);
}
