#include <filesystem>

#include <sys/socket.h>
#include <sys/stat.h>

#include "gateway/observe/admin_commands.hpp"
#include "tests/gateway/exchange/setup.hpp"
#include "wire/net/socket_address.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace tidegate::test;

namespace {

struct Asked {
  int status = 0;
  std::string what;  // was performed
};

Asked ask(std::string_view method, std::string_view target) {
  Asked asked;
  AdminCommands commands;
  const auto note = [&asked](const std::string& what) {
    asked.what = what;
    return text_reply(200, what);
  };
  commands.reload = [&](const AdminReplyTo& reply) { reply(note("reload")); };
  commands.drain = [&] { return note("drain"); };
  commands.undrain = [&] { return note("undrain"); };
  commands.drain_state = [&] { return note("state"); };
  commands.status = [&](bool json) { return note(json ? "status as JSON" : "status"); };
  commands.endpoint = [&](const EndpointOrder& order) {
    return note(order.address + "|" + order.upstream + "|" + (order.drain ? "drain" : "undrain"));
  };
  perform(commands, method, target, [&](const AdminReply& reply) { asked.status = reply.status; });
  return asked;
}

// A folder of its own for a socket.
struct Folder {
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tidegate-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Unexpected("no temporary folder");
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string socket() const { return path + "/admin.sock"; }
  std::string path;
};

std::string with_socket(const ScriptedBackend& backend, const std::string& socket) {
  return in_front_of(backend, {.rest = "admin: { address: '127.0.0.1:0', socket: '" + socket + "' }\n"});
}

Answer order(const std::string& socket, const std::string& target, const std::string& method = "POST") {
  RawClient client(socket);
  client.send(method + " " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  return client.read_answer();
}

}  // namespace

TEST_CASE("commands by method and path") {
  struct Row {
    std::string method, target;
    int status;
    std::string what;
  };
  const std::vector<Row> rows{
      {"POST", "/reload", 200, "reload"},
      {"POST", "/drain", 200, "drain"},
      {"GET", "/drain", 200, "state"},
      {"POST", "/undrain", 200, "undrain"},
      {"GET", "/status", 200, "status"},
      {"GET", "/status?format=json", 200, "status as JSON"},
      {"GET", "/status?format=xml", 404, ""},
      {"POST", "/status", 405, ""},
      {"POST", "/endpoints/10.0.0.1:80/drain", 200, "10.0.0.1:80||drain"},
      {"POST", "/endpoints/[::1]:80/undrain?upstream=a", 200, "[::1]:80|a|undrain"},
      {"POST", "/endpoints/unix:/run/a%20b.sock/drain", 200, "unix:/run/a b.sock||drain"},
      {"GET", "/reload", 405, ""},
      {"PUT", "/endpoints/10.0.0.1:80/drain", 405, ""},
      {"POST", "/endpoints/10.0.0.1:80/kill", 404, ""},
      {"POST", "/endpoints//drain", 404, ""},
      {"POST", "/endpoints/a%2/drain", 404, ""},
      {"POST", "/other", 404, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.method, row.target);
    const auto asked = ask(row.method, row.target);
    CHECK(asked.status == row.status);
    CHECK(asked.what == row.what);
  }
  CHECK(escape_address("unix:/run/a b.sock") == "unix:/run/a%20b.sock");
}

TEST_CASE("the admin socket is for its owner alone and takes commands; the TCP listener only reads") {
  const Folder folder;
  ScriptedBackend backend;
  GatewayFixture gateway(with_socket(backend, folder.socket()));
  struct stat status {};
  REQUIRE(::stat(folder.socket().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);

  CHECK(order(folder.socket(), "/reload").status == 200);
  CHECK(order(folder.socket(), "/ready", "GET").status == 200);
  CHECK(order(folder.socket(), "/nothing", "GET").status == 404);
  auto tcp = RawClient::in_clear_text(gateway.admin_port());
  tcp.send("POST /reload HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(tcp.read_answer().status == 405);
}

TEST_CASE("the status: 200 with the counts while it is ready, 503 with the reason while it drains") {
  const Folder folder;
  ScriptedBackend backend;
  GatewayFixture gateway(with_socket(backend, folder.socket()));
  RawClient client(gateway.port());
  client.send(get());
  auto pod = backend.accept();
  (void)pod.read_request();
  wait_until("the request to be counted", [&] { return gateway.in_progress().requests == 1; });
  const auto ready = order(folder.socket(), "/status", "GET");
  CHECK(ready.status == 200);
  CHECK(ready.body.find(": ready\n1 worker, 1 request and 0 WebSockets in progress\n") != std::string::npos);
  CHECK(ready.body.find("\npods: 1 of 1 endpoint ready, 1 request or WebSocket in progress\n") !=
        std::string::npos);
  const auto json = order(folder.socket(), "/status?format=json", "GET");
  CHECK(json.status == 200);
  CHECK(json.body.find(backend.address()) != std::string::npos);
  pod.send(ok("done"));
  CHECK(client.read_answer().body == "done");

  CHECK_FALSE(
      gateway.reload("listeners: [ '127.0.0.1:0' ]\nroutes: [ { path: /, upstraem: a } ]\n").succeeded);
  CHECK(order(folder.socket(), "/status", "GET").body.find("the last reload failed:\n  test.yaml:2:") !=
        std::string::npos);
  CHECK(gateway.drain());
  const auto draining = order(folder.socket(), "/status", "GET");
  CHECK(draining.status == 503);
  CHECK(draining.body.find(": not ready: draining\n") != std::string::npos);
  CHECK(order(folder.socket(), "/status?format=json", "GET").status == 503);
  // It is not a page of the listener that others can reach.
  int status = 0;
  (void)gateway.admin("/status", &status);
  CHECK(status == 404);
}

TEST_CASE("an endpoint is drained and taken back by command") {
  const Folder folder;
  ScriptedBackend backend;
  GatewayFixture gateway(with_socket(backend, folder.socket()));
  const auto drained = order(folder.socket(), "/endpoints/" + backend.address() + "/drain");
  CHECK(drained.status == 200);
  CHECK(drained.body == backend.address() + " of pods drains: nothing new goes to it\n");
  gateway.wait_for_state(backend.address(), upstream::EndpointState::draining);
  CHECK(order(folder.socket(), "/endpoints/" + backend.address() + "/undrain").status == 200);
  gateway.wait_for_state(backend.address(), upstream::EndpointState::ready);

  const auto unknown = order(folder.socket(), "/endpoints/10.9.9.9:1/drain");
  CHECK(unknown.status == 404);
  CHECK(unknown.body.find(backend.address()) != std::string::npos);
}

TEST_CASE("a socket file that a dead process left is replaced, a living one's is not") {
  const Folder folder;
  ScriptedBackend backend;
  {
    const net::UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    const auto address = net::SocketAddress::from_path(folder.socket());
    REQUIRE(address.has_value());
    REQUIRE(::bind(dead.get(), address->data(), address->size()) == 0);
  }
  REQUIRE(std::filesystem::exists(folder.socket()));
  const GatewayFixture first(with_socket(backend, folder.socket()));
  CHECK(order(folder.socket(), "/ready", "GET").status == 200);
  std::string why;
  try {
    const GatewayFixture second(with_socket(backend, folder.socket()));
  } catch (const std::runtime_error& error) {
    why = error.what();
  }
  CHECK(why.find(folder.socket() + ": the address is already in use") != std::string::npos);
  CHECK(order(folder.socket(), "/ready", "GET").status == 200);
}

TEST_CASE("a reload opens, moves and closes the admin socket") {
  const Folder folder;
  const Folder other;
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend));
  CHECK_FALSE(std::filesystem::exists(folder.socket()));
  CHECK(gateway.reload(with_socket(backend, folder.socket())).succeeded);
  CHECK(order(folder.socket(), "/ready", "GET").status == 200);
  CHECK(gateway.reload(with_socket(backend, other.socket())).succeeded);
  CHECK(order(other.socket(), "/ready", "GET").status == 200);
  // The old one has to answer the order first, which may have come over it.
  wait_until("the first to go", [&] { return !std::filesystem::exists(folder.socket()); });
  CHECK(gateway.reload(in_front_of(backend)).succeeded);
  wait_until("the second to go", [&] { return !std::filesystem::exists(other.socket()); });
}

TEST_CASE("the order to reload is answered over the socket that it came by, though that is another now") {
  const Folder folder;
  const Folder other;
  ScriptedBackend backend;
  GatewayFixture gateway(with_socket(backend, folder.socket()));
  std::filesystem::create_directory(other.socket());  // so that the fixture's own order fails
  CHECK_FALSE(gateway.reload(with_socket(backend, other.socket())).succeeded);
  std::filesystem::remove(other.socket());
  CHECK(order(folder.socket(), "/reload").status == 200);
  CHECK(order(other.socket(), "/ready", "GET").status == 200);
  wait_until("the old one to be gone", [&] { return !std::filesystem::exists(folder.socket()); });
}

TEST_CASE("a faulty file is the command's answer: 422 with the place of each fault") {
  const Folder folder;
  ScriptedBackend backend;
  GatewayFixture gateway(with_socket(backend, folder.socket()));
  const auto outcome = gateway.reload("listeners: [ '127.0.0.1:0' ]\nroutes: [ { path: /, upstraem: a } ]\n");
  CHECK_FALSE(outcome.succeeded);
  const auto answer = order(folder.socket(), "/reload");
  CHECK(answer.status == 422);
  CHECK(answer.body.find("test.yaml:2:") != std::string::npos);
  CHECK(answer.body.find("upstraem") != std::string::npos);
}
