#include "upstream/endpoint.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/upstream/cluster.hpp"

using namespace tidegate::upstream;

namespace {

EndpointPtr make_endpoint(int max_connections) {
  return std::make_shared<Endpoint>(1, "pod", address_of(8000), max_connections);
}

void run_in_threads(int count, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  for (int index = 0; index < count; ++index) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("a reservation gives its place back once") {
  const auto endpoint = make_endpoint(1);
  REQUIRE(endpoint->reserve());
  CHECK(endpoint->full());
  CHECK_FALSE(endpoint->reserve());
  {
    Reservation first(endpoint);
    Reservation second(std::move(first));
    CHECK_FALSE(first);
    CHECK(second);
    first = std::move(second);
    CHECK(endpoint->active() == 1);
  }
  CHECK(endpoint->active() == 0);
  CHECK_FALSE(endpoint->full());
}

TEST_CASE("a maximum changed at a reload holds for what comes after it") {
  const auto endpoint = make_endpoint(0);
  for (int taken = 0; taken < 5; ++taken) REQUIRE(endpoint->reserve());
  endpoint->set_max_connections(3);
  CHECK(endpoint->full());
  CHECK_FALSE(endpoint->reserve());
  for (int taken = 0; taken < 3; ++taken) endpoint->release();
  CHECK(endpoint->reserve());
  CHECK_FALSE(endpoint->reserve());
}

TEST_CASE("threads never hold more places together than the maximum") {
  constexpr int maximum = 3;
  const auto endpoint = make_endpoint(maximum);
  std::atomic<int> held{0};
  std::atomic<int> most{0};
  run_in_threads(4, [&] {
    for (int turn = 0; turn < 20'000; ++turn) {
      if (!endpoint->reserve()) continue;
      const int now = held.fetch_add(1) + 1;
      int seen = most.load();
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      held.fetch_sub(1);
      endpoint->release();
    }
  });
  CHECK(most.load() >= 1);
  CHECK(most.load() <= maximum);
  CHECK(endpoint->active() == 0);
}

TEST_CASE("a refusal moves ready to unready and nothing else") {
  const auto endpoint = make_endpoint(0);
  for (const auto state :
       {EndpointState::probing, EndpointState::unready, EndpointState::draining, EndpointState::removed}) {
    endpoint->set_state(state);
    CHECK_FALSE(endpoint->refuse());
    CHECK(endpoint->state() == state);
  }
  endpoint->set_state(EndpointState::ready);
  CHECK(endpoint->refuse());
  CHECK(endpoint->state() == EndpointState::unready);
}

TEST_CASE("refusals never undo a drain that other threads announce meanwhile") {
  for (int round = 0; round < 500; ++round) {
    const auto endpoint = make_endpoint(0);
    endpoint->set_state(EndpointState::ready);
    std::atomic<int> started{0};
    std::atomic<int> refused{0};
    std::thread control([&] {
      started.fetch_add(1);
      while (started.load() < 3) std::this_thread::yield();
      endpoint->set_state(EndpointState::draining);
    });
    run_in_threads(2, [&] {
      started.fetch_add(1);
      while (started.load() < 3) std::this_thread::yield();
      if (endpoint->refuse()) refused.fetch_add(1);
    });
    control.join();
    REQUIRE(endpoint->state() == EndpointState::draining);
    REQUIRE(refused.load() <= 1);
  }
}

TEST_CASE("a name may change while other threads read it") {
  const auto endpoint = make_endpoint(0);
  const auto& first = endpoint->name();
  const auto identity = endpoint->identity();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop.load()) {
      if (!endpoint->name().starts_with("pod")) std::abort();
    }
  });
  for (int turn = 0; turn < 100; ++turn) endpoint->rename("pod-" + std::to_string(turn), {});
  stop.store(true);
  reader.join();
  CHECK(first == "pod");
  CHECK(endpoint->name() == "pod-99");
  CHECK(endpoint->identity() != identity);
}
