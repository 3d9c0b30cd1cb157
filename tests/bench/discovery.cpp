// What a cluster of thousands of endpoints costs, and what its changes do: how long a pick takes, what a
// request costs, what control spends, and whether anything grows. The endpoints are told by an API server of
// Kubernetes; all their addresses, each another one of 127.0.0.0/8, lead to the same server.
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/bench/benches.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/hop.hpp"
#include "tests/bench/process_facts.hpp"
#include "tests/bench/requests.hpp"
#include "tests/bench/table.hpp"
#include "tests/support/kube_api.hpp"
#include "upstream/pick.hpp"

namespace tidegate::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t few_endpoints = 3;
constexpr std::size_t many_endpoints = 5'000;
constexpr std::size_t endpoints_per_slice = 100;  // as the controller of Kubernetes makes them
constexpr int changes_per_second = 100;
constexpr std::size_t connections = 64;

// === a pick by itself ===

upstream::ClusterView view_of(conf::Balance kind, std::size_t count) {
  upstream::ClusterView view;
  auto settings = std::make_shared<conf::Upstream>();
  settings->balance.kind = kind;
  view.settings = settings;
  view.roster = 1;
  view.even = true;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto endpoint = std::make_shared<upstream::Endpoint>(i + 1, "pod-" + std::to_string(i),
                                                         conf::Address{"127.0.0.1", 1, {}}, 0);
    endpoint->set_state(upstream::EndpointState::ready);
    view.members.push_back({std::move(endpoint)});
    view.eligible.push_back(i);
  }
  if (kind == conf::Balance::hash) view.ring = upstream::make_hash_ring(view.members);
  return view;
}

double nanoseconds_per_pick(conf::Balance kind, std::size_t count, int rounds) {
  constexpr int picks = 100'000;
  const auto view = view_of(kind, count);
  upstream::PickState state;
  upstream::PickAsk ask;
  double least = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto began = Clock::now();
    for (int i = 0; i < picks; ++i) {
      ask.hash = upstream::hash_of("client " + std::to_string(i));
      const auto* member = upstream::pick(view, state, ask);
      if (member == nullptr || !member->endpoint->reserve()) throw std::runtime_error("nobody was picked");
    }
    for (const auto& member : view.members)
      while (member.endpoint->active() > 0) member.endpoint->release();
    const auto took = std::chrono::duration<double, std::nano>(Clock::now() - began).count() / picks;
    least = round == 0 ? took : std::min(least, took);
  }
  return least;
}

void print_picks(const Options& options) {
  Table table({"ns per pick (and its release)", "3 endpoints", "100", "5,000"});
  const std::array kinds{std::pair{conf::Balance::round_robin, "round-robin"},
                         std::pair{conf::Balance::least_connections, "least-connections"},
                         std::pair{conf::Balance::random_two, "random-two"},
                         std::pair{conf::Balance::hash, "hash"}};
  for (const auto& [kind, name] : kinds) {
    std::vector<std::string> cells{name};
    for (const std::size_t count : {few_endpoints, std::size_t{100}, many_endpoints})
      cells.push_back(number(nanoseconds_per_pick(kind, count, options.rounds), 0));
    table.add(std::move(cells));
  }
  std::printf("%s\n", table.text().c_str());
  std::fflush(stdout);
}

// === a whole gateway ===

// At every address of the loopback interface and at no other.
ListeningSocket listen_on_loopback_interface() {
  ListeningSocket listening;
  listening.socket = net::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  constexpr std::array<char, IFNAMSIZ> loopback{"lo"};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const int socket = listening.socket.get();
  if (::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, loopback.data(), loopback.size()) != 0 ||
      ::bind(socket, any, size) != 0 || ::listen(socket, 4096) != 0 || ::getsockname(socket, any, &size) != 0)
    throw std::runtime_error("cannot listen on the loopback interface");
  listening.port = ntohs(address.sin_port);
  return listening;
}

// 127.1.0.1 and so on: never the same twice.
std::string address_of(std::size_t number) {
  return "127." + std::to_string(1 + number / 62'500) + "." + std::to_string(number / 250 % 250) + "." +
         std::to_string(1 + number % 250);
}

// The Service whose EndpointSlices change.
class Service {
 public:
  Service(std::uint16_t port, std::size_t count) {
    for (std::size_t first = 0; first < count; first += endpoints_per_slice) {
      auto& slice = slices_.emplace_back();
      slice.name = "pods-" + std::to_string(slices_.size());
      slice.service = "pods";
      slice.ports.push_back({"http", port});
      for (std::size_t i = first; i < std::min(first + endpoints_per_slice, count); ++i)
        slice.endpoints.push_back(next());
      api_.put_slice(slice);
    }
  }

  // One pod is replaced by another.
  void change() {
    auto& slice = slices_[changes_ % slices_.size()];
    slice.endpoints[changes_ / slices_.size() % slice.endpoints.size()] = next();
    ++changes_;
    api_.put_slice(slice);
  }
  [[nodiscard]] std::string url() const { return api_.url(); }
  [[nodiscard]] std::size_t changes() const { return changes_; }

 private:
  test::KubeEndpoint next() {
    test::KubeEndpoint endpoint;
    endpoint.address = address_of(made_++);
    return endpoint;
  }

  test::KubeApi api_;
  std::vector<test::KubeSlice> slices_;
  std::size_t made_ = 0;
  std::size_t changes_ = 0;
};

std::string kubeconfig(const Folder& folder, const Service& service) {
  auto file = folder.path() + "/kubeconfig-" + service.url().substr(service.url().rfind(':') + 1);
  std::ofstream(file) << "apiVersion: v1\nkind: Config\ncurrent-context: it\n"
                         "clusters: [{ name: it, cluster: { server: '"
                      << service.url()
                      << "' } }]\nusers: [{ name: it, user: {} }]\n"
                         "contexts: [{ name: it, context: { cluster: it, user: it, namespace: default } }]\n";
  return file;
}

std::size_t ready_endpoints(const Hop& hop) {
  std::size_t count = 0;
  std::istringstream lines(hop.metrics());
  for (std::string line; std::getline(lines, line);) {
    const bool is_ready = line.starts_with("tidegate_endpoint_state{") &&
                          line.find("state=\"ready\"") != std::string::npos && line.ends_with(" 1");
    if (is_ready) ++count;
  }
  return count;
}

void await_endpoints(const Hop& hop, std::size_t count) {
  for (int tries = 0; tries < 600; ++tries) {
    if (ready_endpoints(hop) >= count) return;
    ::poll(nullptr, 0, 100);
  }
  throw std::runtime_error("the gateway does not know its endpoints");
}

// Of the main thread, which is control's.
std::chrono::duration<double> control_time(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/task/" + std::to_string(process) + "/schedstat");
  std::int64_t nanoseconds = 0;
  file >> nanoseconds;
  return std::chrono::nanoseconds(nanoseconds);
}

struct Seen {
  double per_request = 0;  // microseconds of the workers' processor time
  double control = 0;      // milliseconds a second
  double requests = 0;     // a second
};

// Requests for this long; `between` is called meanwhile, often.
template <class Between>
Seen watch(const Hop& hop, std::chrono::duration<double> time, Between between) {
  constexpr std::uint64_t batch = 200;
  const auto processes = hop.processes();
  const auto began = Clock::now();
  const auto before = processor_time(processes).total;
  const auto control_before = control_time(hop.process());
  std::uint64_t sent = 0;
  while (Clock::now() - began < time) {
    send_requests(hop.port(), connections, batch * connections / 4);
    sent += batch * connections / 4;
    between(Clock::now() - began);
  }
  const auto wall = std::chrono::duration<double>(Clock::now() - began).count();
  const auto control = (control_time(hop.process()) - control_before).count();
  const auto all = (processor_time(processes).total - before).count();
  return {(all - control) * 1e6 / static_cast<double>(sent), control * 1e3 / wall,
          static_cast<double>(sent) / wall};
}

void add_row(Table& table, const std::string& name, const Seen& seen) {
  table.add({name, number(seen.per_request, 2), number(seen.requests, 0), number(seen.control, 1)});
}

std::string state_of(const Hop& hop) {
  return number(static_cast<double>(anonymous_bytes(hop.processes())) / (1024 * 1024), 1) + " MiB, " +
         std::to_string(open_descriptors(hop.process())) + " descriptors, " +
         std::to_string(ready_endpoints(hop)) + " endpoints ready";
}

Hop start(Options options, const std::string& source, std::uint16_t server_port) {
  options.source = source;
  auto hop = Hop::start(Kind::tidegate, options, server_port);
  if (!hop) throw std::runtime_error("no gateway, no measurement");
  return std::move(*hop);
}

std::string source_of(const Folder& folder, const Service& service) {
  return "kubernetes: { service: pods, kubeconfig: " + kubeconfig(folder, service) + " }";
}

}  // namespace

void measure_discovery(const Options& options) {
  print_picks(options);
  const auto listening = listen_on_loopback_interface();
  const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
  const Folder folder;
  Service few(listening.port, few_endpoints);
  Service many(listening.port, many_endpoints);
  const auto beside = start(options, source_of(folder, few), listening.port);
  const auto hop = start(options, source_of(folder, many), listening.port);
  await_endpoints(beside, few_endpoints);
  await_endpoints(hop, many_endpoints);

  const std::chrono::seconds quiet(5);
  const auto nothing = [](auto) {};
  for (const auto* warm : {&beside, &hop}) (void)watch(*warm, quiet, nothing);
  Table table({"GETs over 64 connections", "CPU us per request", "requests per s", "control, CPU ms per s"});
  add_row(table, "3 endpoints", watch(beside, quiet, nothing));
  add_row(table, "5,000 endpoints", watch(hop, quiet, nothing));
  std::printf("before the changes: %s\n", state_of(hop).c_str());
  const std::chrono::seconds time(options.change_seconds);
  const auto change = [&](Clock::duration passed) {
    const auto due =
        static_cast<std::size_t>(std::chrono::duration<double>(passed).count() * changes_per_second);
    while (many.changes() < due) many.change();
  };
  std::vector<std::string> states;
  const auto third = time / 3;
  auto next = Clock::duration(third);
  add_row(table, "5,000, 100 changes a second", watch(hop, time, [&](Clock::duration passed) {
            change(passed);
            if (passed < next) return;
            states.push_back(state_of(hop));
            next += third;
          }));
  for (const auto& state : states) std::printf("while they go on:   %s\n", state.c_str());
  std::printf("%zu changes\n\n%s", many.changes(), table.text().c_str());
}

}  // namespace tidegate::bench
