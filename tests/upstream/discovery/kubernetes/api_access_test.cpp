#include "upstream/discovery/kubernetes/api_access.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "upstream/discovery/kubernetes/api_refusal.hpp"

using namespace tidegate;
using namespace tidegate::upstream;

namespace {

void write(const std::string& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

// A kubeconfig with one context, whose cluster and user are these.
std::string kubeconfig(const std::string& cluster, const std::string& user, const std::string& context = {}) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "contexts: [{name: here, context: {cluster: c, user: u" +
         context + "}}]\nclusters: [{name: other, cluster: {server: 'https://other'}}, {name: c, cluster: {" +
         cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n";
}

struct Scene {
  test::TemporaryFolder folder;

  conf::Parsed<ApiAccess> read(const std::string& text) const {
    write(folder.file("config"), text);
    return read_kubeconfig(folder.file("config"));
  }
  // What is wrong with it, behind the name of the file.
  std::string why_not(const std::string& text) const {
    const auto access = read(text);
    REQUIRE(access.has_error());
    const auto& why = access.error().why;
    const auto file = folder.file("config") + " ";
    return why.starts_with(file) ? why.substr(file.size()) : why;
  }
};

const std::string server = "server: 'https://10.0.0.1:6443'";

}  // namespace

TEST_CASE("the service account of a pod") {
  const Scene t;
  write(t.folder.file("token"), "secret\n");
  write(t.folder.file("ca.crt"), "PEM");
  write(t.folder.file("namespace"), "hex");
  ServiceAccount account{"10.96.0.1", "443", t.folder.path()};
  const auto access = read_service_account(account);
  REQUIRE(access.has_value());
  CHECK(access->text() == "https://10.96.0.1:443");
  CHECK(access->token == "secret");
  CHECK(access->authorities == "PEM");
  CHECK(access->name_space == "hex");

  SECTION("outside of a pod") {
    account.host.clear();
    CHECK(read_service_account(account).error().why.find("name a kubeconfig file") != std::string::npos);
  }
  SECTION("a port that is none") {
    account.port = "tcp://10.96.0.1:443";
    CHECK(read_service_account(account).error().why.find("is not a port but") != std::string::npos);
  }
  SECTION("without a token") {
    account.folder = t.folder.file("none");
    const auto why = read_service_account(account).error().why;
    CHECK(why.starts_with(t.folder.file("none") + "/token cannot be read: No such file"));
    CHECK(why.find("automountServiceAccountToken") != std::string::npos);
  }
  SECTION("a token that would be more than a token in a request") {
    write(t.folder.file("token"), "secret\r\nX-Other: 1");
    CHECK(read_service_account(account).error().why.find("is not one word") != std::string::npos);
  }
}

TEST_CASE("a kubeconfig's current context") {
  const Scene t;
  const auto access = t.read(kubeconfig(server + ", tls-server-name: kube, certificate-authority-data: UEVN",
                                        "token: secret", ", namespace: hex"));
  REQUIRE(access.has_value());
  CHECK(access->text() == "https://10.0.0.1:6443");
  CHECK(access->server_name == "kube");
  CHECK(access->authorities == "PEM");
  CHECK(access->authorities_file == t.folder.file("config"));
  CHECK(access->verify);
  CHECK(access->token == "secret");
  CHECK(access->token_file.empty());
  CHECK(access->name_space == "hex");
}

TEST_CASE("servers of a kubeconfig") {
  const Scene t;
  const std::pair<const char*, const char*> rows[] = {
      {"https://kube.example", "https://kube.example:443"},
      {"http://127.0.0.1:8001/", "http://127.0.0.1:8001"},
      {"http://localhost", "http://localhost:80"},
      {"https://[fd00::1]:6443", "https://[fd00::1]:6443"},
      {"https://[fd00::1]", "https://[fd00::1]:443"},
      {"https://rancher/k8s/clusters/c-1/", "https://rancher:443/k8s/clusters/c-1"},
  };
  for (const auto& [written, expected] : rows) {
    CAPTURE(written);
    const auto access = t.read(kubeconfig("server: '" + std::string(written) + "'", ""));
    REQUIRE(access.has_value());
    CHECK(access->text() == expected);
    CHECK(access->name_space == "default");
  }
  for (const char* const written :
       {"", "kube:6443", "ftp://kube", "https://", "https://a:b", "https://a/x y"}) {
    CAPTURE(written);
    CHECK(t.why_not(kubeconfig("server: '" + std::string(written) + "'", "")) ==
          "has no server like https://HOST:PORT in cluster c");
  }
}

TEST_CASE(
    "files of a kubeconfig are relative to its folder, data wins over a file, a tokenFile over a token") {
  const Scene t;
  write(t.folder.file("ca.pem"), "of a file");
  write(t.folder.file("token"), "fresh\n");
  write(t.folder.file("c.pem"), "C");
  const auto access = t.read(kubeconfig(server + ", certificate-authority: ca.pem",
                                        "token: old, tokenFile: token, client-certificate: c.pem, "
                                        "client-certificate-data: RA==, client-key-data: S2V5"));
  REQUIRE(access.has_value());
  CHECK(access->authorities == "of a file");
  CHECK(access->authorities_file == t.folder.file("ca.pem"));
  CHECK(access->token == "fresh");
  CHECK(access->token_file == t.folder.file("token"));
  CHECK(access->certificate == "D");
  CHECK(access->key == "Key");
}

TEST_CASE("verification can be turned off") {
  const Scene t;
  const auto access = t.read(kubeconfig(server + ", insecure-skip-tls-verify: true", ""));
  REQUIRE(access.has_value());
  CHECK_FALSE(access->verify);
}

TEST_CASE("what a kubeconfig cannot be used for, with the reason") {
  const Scene t;
  const auto missing = t.folder.file("none");
  const std::pair<std::string, std::string> rows[] = {
      {"current-context: ''", "has no current-context; `kubectl config use-context NAME` sets it"},
      {"[]", "has no current-context; `kubectl config use-context NAME` sets it"},
      {"current-context: x\ncontexts: [1, {name: y}]", "has no context `x` among its contexts"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: c}}]",
       "has no cluster `c` among its clusters"},
      {kubeconfig(server, "exec: {command: aws}"),
       "gets the credentials of user u by exec, and tidegate runs no programs for that: give it a token, a "
       "tokenFile or a client certificate"},
      {kubeconfig(server, "auth-provider: {name: gcp}"),
       "gets the credentials of user u by auth-provider, and tidegate runs no programs for that: give it a "
       "token, a tokenFile or a client certificate"},
      {kubeconfig(server, "username: x, password: y"),
       "has username in user u, which is not supported: give it a token, a tokenFile or a client "
       "certificate"},
      {kubeconfig(server + ", proxy-url: 'http://p'", ""),
       "has a proxy-url in cluster c: the API server is asked without a proxy only"},
      {kubeconfig(server + ", certificate-authority-data: '*'", ""),
       "has a certificate-authority-data in cluster c that is not base64"},
      {kubeconfig(server + ", certificate-authority: none", ""),
       missing + " cannot be read: No such file or directory (certificate-authority of cluster c in " +
           t.folder.file("config") + ")"},
      {kubeconfig(server, "tokenFile: none"),
       missing + " cannot be read: No such file or directory (tokenFile of user u in " +
           t.folder.file("config") + ")"},
      {kubeconfig(server, "token: 'a b'"),
       "has a token in user u that is not one word of at most 16384 visible characters"},
      {kubeconfig(server, "client-certificate-data: RA=="),
       "has only one of client-certificate and client-key in user u; both are needed"},
      {kubeconfig("server: [a]", ""), "has a server that is no text, in cluster c"},
  };
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    CHECK(t.why_not(text) == expected);
  }
  CHECK(t.why_not("a: [").starts_with("is not YAML that can be read: "));
  CHECK(read_kubeconfig(missing).error().why == missing + " cannot be read: No such file or directory");
}

TEST_CASE("a refusal says what is missing") {
  ApiAccess access;
  access.token_file = "/token";
  CHECK(describe({403, false, "hex", "forbidden"}, access) ==
        "does not let tidegate list endpointslices.discovery.k8s.io in namespace hex (403): a Role with the "
        "verbs "
        "list and watch for them has to be bound to the service account, see examples/kubernetes "
        "(\"forbidden\")");
  CHECK(describe({403, true, "hex", ""}, access).starts_with("does not let tidegate watch endpointslices"));
  CHECK(describe({401, false, "hex", ""}, access) ==
        "does not know who asks (401): the token in /token is not or no longer valid; it is read anew for "
        "each try");
  CHECK(describe({401, false, "hex", ""}, {})
            .ends_with("has no token, tokenFile or client-certificate for the user"));
  CHECK(describe({404, false, "hex", ""}, access).find("since 1.21") != std::string::npos);
  CHECK(describe({500, true, "hex", ""}, access) == "answered a watch of endpointslices with HTTP 500");
}
