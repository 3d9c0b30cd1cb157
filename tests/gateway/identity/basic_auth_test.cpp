// Names and passwords (RFC 7617).
#include <filesystem>
#include <fstream>

#include <openssl/evp.h>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/error_log_file.hpp"

using namespace tidegate;
using namespace tidegate::test;
using gateway::FailureReason;

namespace {

const std::string kBcrypt = "$2y$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW";  // of `sesame`
const std::string kSha = "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=";                                // likewise

std::string authorization(const std::string& credentials) {
  std::string out(4 * ((credentials.size() + 2) / 3) + 1, '\0');
  const auto size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(credentials.data()),
                                      static_cast<int>(credentials.size()));
  out.resize(static_cast<std::size_t>(size));
  return "Authorization: Basic " + out + "\r\n";
}

// A pod that only ann may reach.
struct Guarded {
  explicit Guarded(const std::string& users = "ann:" + kBcrypt + "\n", const std::string& more = "")
      : path((std::filesystem::temp_directory_path() / ("htpasswd-" + std::to_string(::getpid()))).string()) {
    write(users);
    gateway.emplace(
        in_front_of(pod, {.route = "    basicAuth: { realm: the staff, file: " + path + " }\n" + more}));
  }
  ~Guarded() { std::filesystem::remove(path); }
  void write(const std::string& users) const {
    std::ofstream(path + ".new") << users;
    std::filesystem::rename(path + ".new", path);
  }

  ScriptedBackend pod;
  std::string path;
  std::optional<GatewayFixture> gateway;
};

}  // namespace

TEST_CASE("basic auth: without a right password it is 401, and the connection goes on") {
  Guarded t;
  t.pod.serve(answer_all("here"));
  RawClient client(t.gateway->port());
  const auto asked = client.get();
  CHECK(asked.status == 401);
  CHECK(asked.field("WWW-Authenticate") == "Basic realm=\"the staff\", charset=\"UTF-8\"");
  for (const auto* const wrong : {"ann:Sesame", "ann:", "bob:sesame", "ann"}) {
    CAPTURE(wrong);
    CHECK(client.get("/", authorization(wrong)).status == 401);
  }
  CHECK(client.get("/", "Authorization: Bearer x\r\n").status == 401);
  CHECK(t.pod.untouched());
  CHECK(client.get("/", authorization("ann:sesame")).body == "here");
  CHECK(client.get("/", authorization("ann:sesame")).body == "here");
  CHECK(client.get("/", authorization("ann:sesam")).status == 401);
  CHECK(t.gateway->failures(FailureReason::unauthorized) == 7);
}

TEST_CASE("basic auth: the log says what was wrong, the client is not told") {
  const ErrorLogFile log;
  const ScriptedBackend pod;
  Guarded t;
  GatewayFixture gateway(
      in_front_of(pod, {.route = "    basicAuth: { file: " + t.path + " }\n", .rest = log.yaml()}));
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "no credentials came"},
      {"Authorization: Bearer x\r\n", "the credentials are not Basic, or malformed"},
      {authorization("bob:sesame"), "there is no such user"},
      {authorization("ann:Sesame"), "the password of ann is wrong"},
  };
  RawClient client(gateway.port());
  for (const auto& [fields, said] : cases) {
    CAPTURE(said);
    const auto answer = client.get("/", fields);
    CHECK(answer.status == 401);
    CHECK(answer.body.find(said) == std::string::npos);
    CHECK(answer.field("Proxy-Status").find("A name and password are required") != std::string::npos);
    log.wait_for("401 unauthorized (A name and password are required: " + said + ")");
  }
  CHECK(log.text().find("bob") == std::string::npos);
}

TEST_CASE("basic auth: the pod is told who it is, where that is configured") {
  Guarded t("ann:" + kSha + "\n",
            "    requestHeaders: { set: { X-User: $remote_user }, remove: [Authorization] }\n");
  RawClient client(t.gateway->port());
  client.send(get("/", authorization("ann:sesame") + "X-User: root\r\n"));
  const auto request = t.pod.accept().read_request();
  CHECK(request.field("X-User") == "ann");
  CHECK(request.count("X-User") == 1);
  CHECK_FALSE(request.has("Authorization"));
}

TEST_CASE("basic auth: a WebSocket is asked too") {
  EchoPod pod;
  Guarded t;
  GatewayFixture gateway(in_front_of(pod.backend, {.route = "    basicAuth: { file: " + t.path + " }\n"}));
  RawClient stranger(gateway.port());
  stranger.send(handshake());
  CHECK(stranger.read_answer().status == 401);
  CHECK(pod.handshakes == 0);
  RawClient client(gateway.port());
  client.send(handshake(authorization("ann:sesame")));
  CHECK(client.read_answer().status == 101);
  expect_echo(client, "hello");
}

TEST_CASE("basic auth: a change of the file holds within moments, for remembered passwords too") {
  Guarded t;
  t.pod.serve(answer_all("here"));
  RawClient client(t.gateway->port());
  CHECK(client.get("/", authorization("ann:sesame")).status == 200);
  t.write("bob:" + kSha + "\n");
  wait_until("ann to be locked out",
             [&] { return client.get("/", authorization("ann:sesame")).status == 401; });
  CHECK(client.get("/", authorization("bob:sesame")).status == 200);
}

TEST_CASE("basic auth: a file that breaks before anybody was asked locks nobody out") {
  Guarded t;
  t.pod.serve(answer_all("here"));
  t.write("broken\n");
  RawClient client(t.gateway->port());
  CHECK(client.get("/", authorization("ann:sesame")).status == 200);
  CHECK(client.get("/", authorization("ann:Sesame")).status == 401);
}

TEST_CASE("basic auth: of a crowd as many as can be checked wait, the others are told to come again") {
  // A quarter of a second each: the queue fills faster than it empties.
  Guarded t("ann:$2y$12$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW\n");
  std::vector<RawClient> crowd;
  for (int i = 0; i < 200; ++i) {
    crowd.emplace_back(t.gateway->port());
    crowd.back().send(get("/", authorization("ann:wrong" + std::to_string(i))));
  }
  // The outcome of a client that has left goes nowhere.
  for (std::size_t i = 0; i < 20; ++i) crowd[i].reset();
  wait_until("some to be refused as busy",
             [&] { return t.gateway->failures(FailureReason::authentication_busy) > 0; });
  // The worker serves everybody else meanwhile.
  CHECK(RawClient(t.gateway->port()).get().status == 401);
  CHECK(t.pod.untouched());
}  // and the gateway ends while checks wait

TEST_CASE("basic auth: a file that cannot be used is a fault of the configuration") {
  const auto faults = [](const std::string& file) -> std::string {
    try {
      GatewayFixture gateway(
          "listeners: [\"127.0.0.1:0\"]\nroutes:\n  - respond: { body: hello }\n    basicAuth: { file: " +
          file + " }\n");
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  CHECK(
      faults("/nowhere/at/all") ==
      "test.yaml:4:16: routes[0].basicAuth.file: /nowhere/at/all: cannot be read: No such file or directory");
  CHECK(faults("/") == "test.yaml:4:16: routes[0].basicAuth.file: /: is not a file");
}
