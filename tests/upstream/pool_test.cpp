#include "upstream/pool.hpp"

#include "tests/support/catch.hpp"
#include "tests/upstream/allocations.hpp"
#include "tests/upstream/cluster.hpp"
#include "tests/wire/net/running.hpp"
#include "tests/wire/net/sockets.hpp"

using namespace tidegate;
using namespace tidegate::tests;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

namespace {

struct Scene {
  explicit Scene(int max_connections = 0)
      : endpoint(std::make_shared<Endpoint>(7, "pod", address_of(8000), max_connections)) {
    endpoint->set_state(EndpointState::ready);
  }

  Reservation place() {
    REQUIRE(endpoint->reserve());
    return Reservation(endpoint);
  }
  // Puts one in and returns the other end of it.
  net::UniqueFd put(std::size_t most = 8, std::chrono::milliseconds idle = 10s) {
    auto pair = tcp_pair(loop);
    Connection connection;
    connection.place = place();
    connection.stream = std::move(pair.stream);
    pool.put(std::move(connection), most, idle);
    return std::move(pair.peer);
  }
  Connection take() {
    auto reservation = place();
    return pool.take(reservation, stale);
  }
  [[nodiscard]] std::size_t idle() const { return pool.idle(endpoint->id()); }

  net::EventLoop loop;
  Pool pool{loop};
  EndpointPtr endpoint;
  std::size_t stale = 0;
};

// The other end sees that it was closed.
bool is_closed(const net::UniqueFd& peer) {
  pollfd ready{peer.get(), POLLIN, 0};
  return ::poll(&ready, 1, 10'000) == 1 && hear(peer).empty();
}

}  // namespace

TEST_CASE("what was put in is handed out again, the last one first") {
  Scene scene;
  const auto first = scene.put();
  const auto second = scene.put();
  CHECK(scene.idle() == 2);
  CHECK(scene.pool.size() == 2);
  CHECK(scene.endpoint->active() == 0);  // an idle connection holds no place where none is bounded
  const auto taken = scene.take();
  REQUIRE(taken);
  CHECK(taken.reused);
  CHECK(taken.place.endpoint() == scene.endpoint);
  CHECK(scene.endpoint->active() == 1);
  say(second, "x");
  pollfd ready{taken.stream->descriptor(), POLLIN, 0};
  CHECK(::poll(&ready, 1, 10'000) == 1);
  CHECK(scene.idle() == 1);
}

TEST_CASE("an empty pool leaves the place with who asked") {
  Scene scene;
  auto place = scene.place();
  CHECK_FALSE(scene.pool.take(place, scene.stale));
  CHECK(place);
  CHECK(scene.stale == 0);
}

TEST_CASE("a FIN, a reset or a stray byte evicts an idle connection at once") {
  for (const auto* how : {"FIN", "RST", "byte"}) {
    CAPTURE(how);
    Scene scene;
    auto peer = scene.put();
    const auto other = scene.put();
    run(scene.loop, [](Scene& s, net::UniqueFd& socket, std::string_view what) -> net::Task<> {
      if (what == "FIN") socket.reset();
      if (what == "RST") abort_connection(socket);
      if (what == "byte") say(socket, "x");
      co_await holds(s.loop, [&] { return s.idle() == 1; });
    }(scene, peer, how));
    CHECK(scene.pool.size() == 1);
    CHECK(scene.take());
  }
}

TEST_CASE("a connection that died unseen is passed over when it is taken, and counted") {
  Scene scene;
  const auto live = scene.put();
  {
    const auto dead = scene.put();
    const auto stray = scene.put();
    say(stray, "x");
  }
  // The loop has not looked since.
  const auto taken = scene.take();
  REQUIRE(taken);
  CHECK(scene.stale == 2);
  CHECK(scene.idle() == 0);
  say(live, "x");
  pollfd ready{taken.stream->descriptor(), POLLIN, 0};
  CHECK(::poll(&ready, 1, 10'000) == 1);
}

TEST_CASE("with a full shelf the oldest is closed") {
  Scene scene;
  const auto oldest = scene.put(2);
  const auto second = scene.put(2);
  const auto third = scene.put(2);
  CHECK(scene.idle() == 2);
  CHECK(is_closed(oldest));
  const auto never = scene.put(0);
  CHECK(is_closed(never));
  CHECK(scene.idle() == 2);
}

TEST_CASE("an idle connection is closed at its deadline") {
  Scene scene;
  const auto peer = scene.put(8, 20ms);
  run(scene.loop,
      [](Scene& s) -> net::Task<> { co_await holds(s.loop, [&] { return s.idle() == 0; }); }(scene));
  CHECK(is_closed(peer));
}

TEST_CASE("a purge closes what is kept for one endpoint, and nothing else") {
  Scene scene;
  const auto peer = scene.put();
  const auto kept =
      std::exchange(scene.endpoint, std::make_shared<Endpoint>(8, "other", address_of(8001), 0));
  scene.endpoint->set_state(EndpointState::ready);
  const auto other = scene.put();
  scene.pool.purge(kept->id());
  CHECK(is_closed(peer));
  CHECK(scene.pool.size() == 1);
  CHECK(scene.idle() == 1);
  scene.pool.purge(99);
}

TEST_CASE("nothing is kept for an endpoint that is not ready") {
  for (const auto state : {EndpointState::unready, EndpointState::draining, EndpointState::probing}) {
    Scene scene;
    scene.endpoint->set_state(state);
    const auto peer = scene.put();
    CHECK(scene.idle() == 0);
    CHECK(is_closed(peer));
  }
}

TEST_CASE("where connections are bounded, an idle one keeps its place") {
  Scene scene(3);
  const auto peer = scene.put();
  CHECK(scene.endpoint->active() == 1);
  {
    const auto taken = scene.take();
    REQUIRE(taken);
    CHECK(scene.endpoint->active() == 1);  // not two
  }
  CHECK(scene.endpoint->active() == 0);
}

TEST_CASE("in steady state nothing is allocated") {
  Scene scene;
  const auto one = scene.put();
  const auto two = scene.put();
  for (int i = 0; i < 3; ++i) scene.pool.put(scene.take(), 8, 10s);
  const auto before = allocations();
  for (int i = 0; i < 1000; ++i) {
    auto place = Reservation(scene.endpoint->reserve() ? scene.endpoint : nullptr);
    auto connection = scene.pool.take(place, scene.stale);
    scene.pool.put(std::move(connection), 8, 10s);
  }
  CHECK(allocations() == before);
  CHECK(scene.idle() == 2);
}
