// `limits`, and what names them.
#include "conf/rate.hpp"
#include "tests/conf/reading.hpp"

using namespace tidegate::conf;
using namespace std::chrono_literals;

namespace {

// A configuration with these limits, and these lines of the one route.
std::string with(const std::string& limits, const std::string& route = "") {
  return "listeners: [\"127.0.0.1:80\"]\nupstreams: { a: { endpoints: [\"10.0.0.1:1\"] } }\n"
         "limits:\n" +
         limits + "routes:\n  - path: /\n    upstream: a\n" + route;
}

void check_error(const std::string& text, const std::string& error) {
  const auto errors = errors_of(text);
  INFO(text);
  INFO(errors);
  CHECK(errors.find(error) != std::string::npos);
}

}  // namespace

TEST_CASE("rates are read as the time between two events") {
  struct Row {
    std::string_view text;
    std::chrono::nanoseconds interval;
  };
  const Row rows[] = {{"10/s", 100ms}, {"1/s", 1s},        {"30/m", 2s},
                      {"60r/m", 1s},   {"10r/s", 100ms},   {"1/h", 1h},
                      {"2/d", 12h},    {"1000000/s", 1us}, {"3/s", 333'333'333ns}};
  for (const auto& row : rows) {
    const auto interval = parse_rate(row.text);
    REQUIRE(interval.has_value());
    CHECK(*interval == row.interval);
  }
  for (const std::string_view bad : {"", "10", "/s", "10/", "10/x", "10 /s", "-1/s", "1.5/s", "0/s",
                                     "1000001/s", "99999999999999999999/s", "10r/s/s", "10/sec"}) {
    INFO(bad);
    CHECK(parse_rate(bad).has_error());
  }
}

TEST_CASE("a limit is read with all its keys") {
  const auto config =
      config_of(with("  clients:\n    ipv4Prefix: 24\n    ipv6Prefix: 56\n"
                     "    requests: { rate: 10/s, burst: 20, delay: 5 }\n    handshakes: 1/s\n"
                     "    connections: 100\n    webSockets: 50\n    addresses: 5000\n    dryRun: true\n"
                     "  all: { key: all, requests: { rate: 100/s, burst: 10, noDelay: true } }\n",
                     "    limits: [clients, all]\n"));
  REQUIRE(config.limits.size() == 2);
  const auto& limit = config.limits[0];
  CHECK(limit.name == "clients");
  CHECK(limit.key == LimitKey::client_address);
  CHECK(limit.ipv4_prefix == 24);
  CHECK(limit.ipv6_prefix == 56);
  CHECK(limit.requests == RateLimit{100ms, 20, 5, false});
  CHECK(limit.handshakes == RateLimit{1s, 0, 0, false});
  CHECK(limit.connections == 100);
  CHECK(limit.websockets == 50);
  CHECK(limit.addresses == 5000);
  CHECK(limit.dry_run);
  CHECK(config.limits[1].key == LimitKey::all);
  CHECK(config.limits[1].requests.no_delay);
  CHECK(config.routes[0].limit_names == std::vector<std::string>{"clients", "all"});
}

TEST_CASE("both halves of a listener share its limits") {
  const auto config = config_of(
      "listeners: [{ address: \":80\", limits: [a] }]\nupstreams: { a: { endpoints: [\"10.0.0.1:1\"] } }\n"
      "limits: { a: { connections: 1 } }\n");
  REQUIRE(config.listeners.size() == 2);
  CHECK(config.listeners[0].limit_names == config.listeners[1].limit_names);
}

TEST_CASE("faults of limits have their place and the fix") {
  check_error(with("  a: {}\n"), "limits.a: limits nothing: write `requests`");
  check_error(with("  a: { requests: 10 }\n"), "limits.a.requests: expected");
  check_error(with("  a: { requests: 0/s }\n"), "a rate of 0 would let nobody in");
  check_error(with("  a: { requests: { burst: 5 } }\n"), "`rate`");
  check_error(with("  a: { requests: { rate: 1/s, burst: 5, delay: 6 } }\n"),
              "limits.a.requests.delay: is the part of `burst` (5) that goes at once");
  check_error(with("  a: { requests: { rate: 1/m, burst: 6 } }\n"),
              "limits.a.requests.burst: the last of the burst would be delayed for 6m");
  CHECK(errors_of(with("  a: { requests: { rate: 1/m, burst: 6, noDelay: true } }\n")).empty());
  check_error(with("  a: { requests: { rate: 1/d, burst: 1000, noDelay: true } }\n"), "30 days");
  check_error(with("  a: { requests: { rate: 1/s, delay: 0, noDelay: true } }\n"), "noDelay");
  check_error(with("  a: { connections: 1, ipv4Prefix: 33 }\n"), "limits.a.ipv4Prefix: must be from 1 to 32");
  check_error(with("  clients: { connections: 1 }\n", "    limits: [client]\n"),
              "routes[0].limits[0]: there is no limit `client`; did you mean `clients`?");
  check_error(with("  a: { connections: 1 }\n", "    limits: [a, a]\n"),
              "routes[0].limits[1]: `a` is here twice");
  check_error(
      "listeners: [{ address: \"127.0.0.1:80\", limits: [a] }]\n"
      "upstreams: { a: { endpoints: [\"10.0.0.1:1\"] } }\nlimits: { a: { connections: 1 } }\n"
      "routes: [{ path: /, upstream: a, limits: [a] }]\n",
      "routes[0].limits: `a` is named by listeners[0] too and would count twice");
}

TEST_CASE("the other bounds of clients and memory") {
  const auto config = config_of(
      "listeners: [{ address: \"127.0.0.1:80\", minBodyRate: { bytesPerSecond: 240, window: 5s } }]\n"
      "upstreams: { a: { endpoints: [\"10.0.0.1:1\"], sourceAddresses: [10.0.0.2, \"fd00::2\"] } }\n"
      "bufferMemory: 512m\n");
  CHECK(config.listeners[0].body_pace.bytes_per_second == 240);
  CHECK(config.listeners[0].body_pace.window == 5s);
  CHECK(config.upstreams[0].source_addresses == std::vector<std::string>{"10.0.0.2", "fd00::2"});
  CHECK(config.buffer_memory == 512ULL * 1024 * 1024);
}

TEST_CASE("memory for buffers that would let nobody in is a fault") {
  const std::string rest =
      "listeners: [\"127.0.0.1:80\"]\nupstreams: { a: { endpoints: [\"10.0.0.1:1\"] } }\n";
  check_error(rest + "bufferMemory: 1k\n", "bufferMemory: is too little for a single request");
  CHECK(errors_of(rest + "bufferMemory: 16k\n").empty());
  CHECK(errors_of(rest + "bufferMemory: 0\n").empty());
}

TEST_CASE("source addresses are IP addresses, each once, of a family that leads to the endpoints") {
  const auto sources = [](const std::string& list) {
    return "listeners: [\"127.0.0.1:80\"]\nupstreams: { a: { endpoints: [\"10.0.0.1:1\"], sourceAddresses: " +
           list + " } }\n";
  };
  check_error(sources("[localhost]"), "upstreams.a.sourceAddresses[0]: expected an IP address without port");
  check_error(sources("[\"10.0.0.2:80\"]"), "expected an IP address without port");
  check_error(sources("[10.0.0.2, 10.0.0.2]"), "sourceAddresses[1]: `10.0.0.2` is here twice");
  CHECK(errors_of(sources("[10.0.0.0/24]")).find("of the family") == std::string::npos);
  check_error(sources("[\"fd00::1\"]"), "none of them is of the family of the endpoint `10.0.0.1:1`");
}
