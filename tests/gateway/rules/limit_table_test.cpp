#include "gateway/process/limit_table.hpp"

#include <atomic>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "gateway/process/limit_tables.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const net::TimePoint kNow = net::TimePoint() + 1000h;
constexpr LimitAsk kRequest{true, false, false, false};
constexpr LimitAsk kHandshake{true, true, true, true};
constexpr LimitAsk kInProgress{true, false, true, false};

ClientKey client(std::uint32_t number) {
  ClientKey key;
  std::memcpy(key.bytes.data(), &number, sizeof number);
  return key;
}

conf::ClientLimit limit() {
  conf::ClientLimit limit;
  limit.name = "test";
  return limit;
}

}  // namespace

TEST_CASE("clients have buckets of their own") {
  auto settings = limit();
  settings.requests = {100ms, 1, 0, true};
  LimitTable table(settings);
  for (std::uint32_t i = 0; i < 100; ++i) {
    CHECK(table.enter(client(i), kRequest, kNow).admitted);
    CHECK(table.enter(client(i), kRequest, kNow).admitted);
    const auto third = table.enter(client(i), kRequest, kNow);
    CHECK_FALSE(third.admitted);
    CHECK(third.refused == LimitKind::requests);
    CHECK(third.wait == 100ms);
  }
  CHECK(table.report().clients == 100);
}

TEST_CASE("places are bounded for each client and come back when they are left") {
  auto settings = limit();
  settings.connections = 2;
  settings.websockets = 1;
  LimitTable table(settings);
  const auto first = table.enter(client(1), kHandshake, kNow);
  REQUIRE(first.admitted);
  REQUIRE(first.holds_place);
  const auto second = table.enter(client(1), kHandshake, kNow);
  CHECK(second.refused == LimitKind::websockets);
  CHECK_FALSE(second.admitted);
  const auto plain = table.enter(client(1), kInProgress, kNow);
  CHECK(plain.admitted);
  CHECK(table.enter(client(1), kInProgress, kNow).refused == LimitKind::connections);
  CHECK(table.enter(client(2), kInProgress, kNow).admitted);
  table.leave(first.place, kHandshake);
  CHECK(table.enter(client(1), kHandshake, kNow).admitted);
  table.leave(plain.place, kInProgress);
}

TEST_CASE("what is refused for one thing counts for none") {
  auto settings = limit();
  settings.requests = {1s, 5, 0, true};
  settings.handshakes = {1s, 0, 0, true};
  settings.connections = 10;
  LimitTable table(settings);
  CHECK(table.enter(client(1), kHandshake, kNow).admitted);
  for (int i = 0; i < 20; ++i) {
    const auto verdict = table.enter(client(1), kHandshake, kNow);
    CHECK(verdict.refused == LimitKind::handshakes);
    CHECK_FALSE(verdict.holds_place);
  }
  for (int i = 0; i < 5; ++i) CHECK(table.enter(client(1), kInProgress, kNow).admitted);
  CHECK(table.enter(client(1), kInProgress, kNow).refused == LimitKind::requests);
}

TEST_CASE("what another limit refused is taken back") {
  auto settings = limit();
  settings.requests = {1s, 0, 0, true};
  LimitTable table(settings);
  CHECK(table.enter(client(1), kRequest, kNow).admitted);
  table.take_back(client(1), kRequest);
  CHECK(table.enter(client(1), kRequest, kNow).admitted);
  CHECK_FALSE(table.enter(client(1), kRequest, kNow).admitted);
  table.take_back(client(2), kRequest);  // not known: nothing
}

TEST_CASE("a million addresses leave the table at its bound, and the latest are remembered") {
  auto settings = limit();
  settings.requests = {1h, 0, 0, true};
  settings.addresses = 10'000;
  LimitTable table(settings);
  constexpr std::uint32_t million = 1'000'000;
  for (std::uint32_t i = 0; i < million; ++i) REQUIRE(table.enter(client(i), kRequest, kNow).admitted);
  const auto report = table.report();
  CHECK(report.clients <= 10'016);  // 32 shards of 313
  CHECK(report.clients >= 9'000);
  CHECK(report.forgotten == million - report.clients);
  // The last thousand are within every shard's share.
  for (std::uint32_t i = million - 1'000; i < million; ++i) {
    CHECK_FALSE(table.enter(client(i), kRequest, kNow).admitted);
  }
}

TEST_CASE("who has nothing left to remember makes room without being forgotten") {
  auto settings = limit();
  settings.requests = {10ms, 0, 0, true};
  settings.addresses = 1'000;
  LimitTable table(settings);
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    CHECK(table.enter(client(i), kRequest, kNow + i * 1ms).admitted);
  }
  CHECK(table.report().forgotten == 0);
  CHECK(table.report().clients <= 100);
}

TEST_CASE("who holds a place is never forgotten, and the table returns to its bound after") {
  auto settings = limit();
  settings.connections = 1;
  settings.addresses = 1'000;
  LimitTable table(settings);
  std::vector<std::uint64_t> places;
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    const auto verdict = table.enter(client(i), kInProgress, kNow);
    REQUIRE(verdict.admitted);
    places.push_back(verdict.place);
  }
  for (std::uint32_t i = 0; i < 5'000; ++i) CHECK_FALSE(table.enter(client(i), kInProgress, kNow).admitted);
  for (const auto place : places) table.leave(place, kInProgress);
  for (std::uint32_t i = 10'000; i < 20'000; ++i) (void)table.enter(client(i), kRequest, kNow);
  CHECK(table.report().clients <= 1'024);
}

TEST_CASE("threads together admit what one would") {
  auto settings = limit();
  settings.requests = {1h, 99, 0, true};
  settings.connections = 1'000;
  LimitTable table(settings);
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::uint32_t i = 0; i < 20'000; ++i) {
        const auto verdict = table.enter(client(i % 50), kInProgress, kNow);
        if (!verdict.admitted) continue;
        ++admitted;
        table.leave(verdict.place, kInProgress);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(admitted == 50 * 100);
}

TEST_CASE("a dry run speaks once in ten seconds") {
  LimitTable table(limit());
  CHECK(table.may_log(kNow));
  CHECK_FALSE(table.may_log(kNow + 9s));
  CHECK(table.may_log(kNow + 10s));
  CHECK_FALSE(table.may_log(kNow + 11s));
}

TEST_CASE("an unchanged limit goes on with its counts, a changed one begins anew") {
  LimitTables tables;
  auto settings = limit();
  settings.requests = {1s, 0, 0, true};
  const auto first = tables.take({settings});
  CHECK(tables.take({settings}).front() == first.front());
  settings.requests.burst = 1;
  CHECK(tables.take({settings}).front() != first.front());
  CHECK(tables.take({}).empty());
  CHECK(tables.reports().empty());
}

// === another process takes over ===

TEST_CASE("rates go on in another table") {
  auto settings = limit();
  settings.requests = {100ms, 1, 0, true};
  LimitTable before(settings);
  (void)before.enter(client(1), kRequest, kNow);
  (void)before.enter(client(1), kRequest, kNow);
  (void)before.enter(client(2), kRequest, kNow - 1h);  // as good as new by now
  const auto rates = before.rates(kNow);
  REQUIRE(rates.size() == 1);
  LimitTable after(settings);
  for (const auto& rate : rates) after.restore(rate, kNow);
  CHECK_FALSE(after.enter(client(1), kRequest, kNow).admitted);
  CHECK(after.enter(client(1), kRequest, kNow + 100ms).admitted);
}

TEST_CASE("places that a client holds count in another table, whatever its limit, until they are left") {
  auto settings = limit();
  settings.websockets = 1;
  const auto table = std::make_shared<LimitTable>(settings);
  constexpr LimitAsk websocket{false, false, false, true};
  {
    const auto first = table->enter_again(table, client(1), websocket, kNow);
    const auto second = table->enter_again(table, client(1), websocket, kNow);
    REQUIRE(second);
    CHECK(second->client() == client(1));
    CHECK_FALSE(table->enter(client(1), websocket, kNow).admitted);
  }
  CHECK(table->enter(client(1), websocket, kNow).admitted);
}

TEST_CASE("a limit that bounds them no longer has no place for them, and nothing to leave") {
  auto settings = limit();
  settings.requests = {100ms, 1, 0, true};
  settings.addresses = 1;
  const auto table = std::make_shared<LimitTable>(settings);
  CHECK_FALSE(table->enter_again(table, client(1), {false, false, true, true}, kNow));
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(table->enter(client(i), kRequest, kNow).admitted);
}
