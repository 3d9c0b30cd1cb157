// Another number of workers while the gateway runs.
#include "tests/gateway/tunnel/web_socket.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

std::string with_workers(const ScriptedBackend& backend, int workers) {
  return in_front_of(backend, {.rest = "workers: " + std::to_string(workers) + "\n"});
}

// How many workers have accepted a connection.
std::size_t accepting(const GatewayFixture& gateway) {
  std::size_t count = 0;
  (void)gateway.workers([&count](const gateway::WorkerCounters& counters) {
    if (counters.connections_accepted.value() > 0) ++count;
    return std::uint64_t{0};
  });
  return count;
}

std::uint64_t accepted(const GatewayFixture& gateway) {
  return gateway.workers([](const auto& counters) { return counters.connections_accepted.value(); });
}

}  // namespace

TEST_CASE("workers 2, 1, 3: WebSockets and requests in progress go on, counters never go back") {
  ScriptedBackend backend;
  GatewayFixture gateway(with_workers(backend, 2));
  std::vector<Tunnelled> open;
  for (int i = 0; i < 8; ++i) open.push_back(open_tunnel(gateway, backend));
  RawClient busy(gateway.port());
  busy.send(get());
  auto pod = backend.accept();
  (void)pod.read_request();
  CHECK(gateway.workers_serving() == 2);

  for (const int workers : {1, 3, 2, 1}) {
    CAPTURE(workers);
    const auto before = accepted(gateway);
    CHECK(gateway.reload(with_workers(backend, workers)).succeeded);
    CHECK(gateway.workers_serving() == static_cast<std::size_t>(workers));
    CHECK(accepted(gateway) >= before);
    for (auto& both : open) both.echo("with " + std::to_string(workers));
    for (int i = 0; i < 20; ++i) open_tunnel(gateway, backend).echo("new");
  }
  pod.send(ok("begun with two"));
  CHECK(busy.read_answer().body == "begun with two");
  CHECK(accepting(gateway) == 3);
}

TEST_CASE("connections that wait in the queue of a worker that becomes surplus are served") {
  ScriptedBackend backend;
  backend.serve(answer_all("x"));
  GatewayFixture gateway(with_workers(backend, 4));
  for (const int workers : {1, 4, 1, 2}) {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 30; ++i) clients.push_back(std::make_unique<RawClient>(gateway.port()));
    CHECK(gateway.reload(with_workers(backend, workers)).succeeded);
    for (auto& client : clients) {
      client->send(get());
      CHECK(client->read_answer().body == "x");
    }
  }
}

TEST_CASE("the gateway ends though workers are surplus") {
  ScriptedBackend backend;
  GatewayFixture gateway(with_workers(backend, 3));
  CHECK(gateway.reload(with_workers(backend, 1)).succeeded);
  gateway.shut_down();
  CHECK(gateway.ended_within(kPatience));
}
