#include "gateway/observe/admin.hpp"

#include <chrono>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/gateway/observe/files.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

AdminSource source() {
  return {[](std::string&) { return true; }, [] { return std::string("metric 1\n"); },
          [] { return std::string("{\"endpoints\":[]}\n"); }};
}

// An admin listener on a port of the system's choice; client and listener take turns on this thread.
struct Fixture {
  explicit Fixture(AdminSource from = source(), AdminLimits limits = {}) {
    admin.emplace(context, conf::Address{"127.0.0.1", 0, {}}, std::move(from), limits);
  }

  tcp::socket connect() {
    tcp::socket socket(context);
    socket.connect({asio::ip::make_address("127.0.0.1"), admin->port()});
    socket.non_blocking(true);
    return socket;
  }

  // Lets the listener run until the condition holds; false after ten seconds.
  template <class Condition>
  bool run_until(Condition&& condition) {
    return eventually([&] {
      context.restart();
      context.poll();
      return condition();
    });
  }

  // Everything the peer sends until it closes or `enough` is contained in it.
  std::string receive(auto& socket, std::string_view enough) {
    std::string text;
    closed = false;
    CHECK(run_until([&] {
      boost::system::error_code error;
      char bytes[4096];
      const auto size = socket.read_some(asio::buffer(bytes), error);
      text.append(bytes, size);
      closed = error && error != asio::error::would_block;
      return closed || (!enough.empty() && text.find(enough) != std::string::npos);
    }));
    return text;
  }

  std::string ask(std::string_view request) {
    auto socket = connect();
    asio::write(socket, asio::buffer(request.data(), request.size()));
    return receive(socket, {});
  }
  std::string get(const std::string& path) {
    return ask("GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  }

  asio::io_context context;
  std::optional<Admin> admin;
  bool closed = false;
};

}  // namespace

TEST_CASE("the admin listener answers by path") {
  Fixture fixture;
  const auto ready = fixture.get("/ready");
  CHECK(contains(ready, "HTTP/1.1 200 OK\r\n"));
  CHECK(contains(ready, "\r\n\r\nready\n"));
  CHECK(contains(fixture.get("/live"), "\r\n\r\nlive\n"));
  const auto metrics = fixture.get("/metrics?x=1");
  CHECK(contains(metrics, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK(contains(metrics, "\r\n\r\nmetric 1\n"));
  const auto endpoints = fixture.get("/endpoints");
  CHECK(contains(endpoints, "Content-Type: application/json\r\n"));
  CHECK(contains(endpoints, "\r\n\r\n{\"endpoints\":[]}\n"));
  CHECK(contains(fixture.get("/"), "/endpoints"));
  CHECK(contains(fixture.get("/nothing"), "HTTP/1.1 404 Not Found\r\n"));
}

TEST_CASE("not ready is 503 with the reason") {
  auto from = source();
  from.ready = [](std::string& why) {
    why = "shutting down";
    return false;
  };
  Fixture fixture(std::move(from));
  const auto ready = fixture.get("/ready");
  CHECK(contains(ready, "HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(contains(ready, "not ready: shutting down\n"));
}

TEST_CASE("only GET and HEAD") {
  Fixture fixture;
  const auto head = fixture.ask("HEAD /live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(contains(head, "Content-Length: 5\r\n"));
  CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
  const auto del = fixture.ask("DELETE /live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(contains(del, "HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(contains(del, "Allow: GET, HEAD\r\n"));
  const auto post = fixture.ask("POST /ready HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(contains(post, " 40"));
  CHECK(contains(fixture.ask("nonsense\r\n\r\n"), "HTTP/1.1 400 Bad Request\r\n"));
}

TEST_CASE("a connection is kept alive, and pipelined requests are answered in order") {
  Fixture fixture;
  auto socket = fixture.connect();
  const std::string_view request =
      "GET /live HTTP/1.1\r\nHost: a\r\n\r\nGET /ready HTTP/1.1\r\nHost: a\r\n\r\n";
  asio::write(socket, asio::buffer(request.data(), request.size()));
  const auto text = fixture.receive(socket, "\r\n\r\nready\n");
  CHECK_FALSE(fixture.closed);
  CHECK(text.find("live\n") < text.find("ready\n"));
}

TEST_CASE("a head that drips in and a connection that says nothing are closed") {
  AdminLimits limits;
  limits.header = 50ms;
  limits.idle = 50ms;
  Fixture fixture(source(), limits);
  auto silent = fixture.connect();
  CHECK(fixture.receive(silent, {}).empty());
  CHECK(fixture.closed);
  auto slow = fixture.connect();
  asio::write(slow, asio::buffer("GET /ready HT", 13));
  CHECK(fixture.receive(slow, {}).empty());
  CHECK(fixture.closed);
}

TEST_CASE("an idle connection gives way when there are too many") {
  AdminLimits limits;
  limits.connections = 2;
  Fixture fixture(source(), limits);
  auto first = fixture.connect();
  auto second = fixture.connect();
  CHECK(contains(fixture.get("/live"), "live"));
  CHECK(fixture.receive(first, {}).empty());
  CHECK(fixture.closed);
  const std::string_view request = "GET /live HTTP/1.1\r\nHost: a\r\n\r\n";
  asio::write(second, asio::buffer(request.data(), request.size()));
  CHECK(contains(fixture.receive(second, "live\n"), "live\n"));
}

TEST_CASE("open connections are closed with the listener, and its callbacks are never called again") {
  int calls = 0;
  auto from = source();
  from.ready = [&](std::string&) { return ++calls > 0; };
  Fixture fixture(std::move(from));
  auto idle = fixture.connect();
  auto asking = fixture.connect();
  fixture.run_until([&] { return true; });
  const std::string_view request = "GET /ready HTTP/1.1\r\nHost: a\r\n\r\n";
  asio::write(asking, asio::buffer(request.data(), request.size()));
  const auto port = fixture.admin->port();
  fixture.admin.reset();
  CHECK(fixture.receive(idle, {}).empty());
  CHECK(fixture.closed);
  CHECK(fixture.receive(asking, {}).empty());
  CHECK(calls == 0);
  tcp::socket late(fixture.context);
  boost::system::error_code error;
  late.connect({asio::ip::make_address("127.0.0.1"), port}, error);
  CHECK(error == asio::error::connection_refused);
}

TEST_CASE("an address that is taken is said clearly") {
  Fixture fixture;
  const auto port = fixture.admin->port();
  const auto complaint = complaint_of([&] { Admin(fixture.context, {"127.0.0.1", port, {}}, source()); });
  CHECK(contains(complaint,
                 "admin listener 127.0.0.1:" + std::to_string(port) + ": the address is already in use"));
}

TEST_CASE("a Unix socket: a dead one is replaced, a live one and a file are not") {
  const TemporaryFolder folder;
  const auto path = folder.file("admin.sock");
  const conf::Address address{{}, 0, path};
  asio::io_context context;
  { asio::local::stream_protocol::acceptor left_behind(context, path); }
  REQUIRE(std::filesystem::exists(path));
  {
    Fixture fixture;
    fixture.admin.emplace(fixture.context, address, source());
    CHECK(fixture.admin->port() == 0);
    CHECK(contains(complaint_of([&] { Admin(context, address, source()); }), "already in use"));
    asio::local::stream_protocol::socket socket(fixture.context);
    socket.connect(path);
    socket.non_blocking(true);
    const std::string_view request = "GET /live HTTP/1.1\r\nHost: a\r\n\r\n";
    asio::write(socket, asio::buffer(request.data(), request.size()));
    CHECK(contains(fixture.receive(socket, "live\n"), "200 OK"));
  }
  CHECK_FALSE(std::filesystem::exists(path));

  std::ofstream(path) << "mine";
  CHECK(contains(complaint_of([&] { Admin(context, address, source()); }), "not a socket"));
  CHECK(read_file(path) == "mine");
  const conf::Address too_long{{}, 0, "/" + std::string(200, 'x')};
  CHECK(contains(complaint_of([&] { Admin(context, too_long, source()); }), "longer than"));
}
