// Who is asked, and as whom: over TLS, by service accounts and kubeconfigs.
#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "tests/upstream/discovery/kubernetes/scene.hpp"

using namespace tidegate;
using namespace tidegate::upstream;

namespace {

// A server with TLS and a slice.
struct SecureScene {
  explicit SecureScene(bool asks_clients = false) : issued(ca.issue()), t(tls(asks_clients)) {
    t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  }
  [[nodiscard]] test::KubeTls tls(bool asks_clients) const {
    return {issued.certificate, issued.key, asks_clients ? ca.file() : std::string()};
  }
  [[nodiscard]] std::string authority() const { return ", certificate-authority: '" + ca.file() + "'"; }

  test::Authority ca;
  test::Issued issued;
  Scene t;
};

// The files that are mounted into a pod.
void mount_account(Scene& t, const std::string& authorities) {
  t.write("token", "first");
  t.write("namespace", "hex");
  std::filesystem::copy_file(authorities, t.folder.file("ca.crt"));
  t.options.account = {"127.0.0.1", std::to_string(t.api.port()), t.folder.path()};
  t.source.kubeconfig.clear();
  t.source.name_space.clear();
}

}  // namespace

TEST_CASE("the service account of a pod, whose namespace is the default") {
  SecureScene s;
  mount_account(s.t, s.ca.file());
  s.t.api.require_token("first");
  s.t.start();
  s.t.wait_for("10.0.0.1:6001");
  CHECK(s.t.failures.empty());
}

TEST_CASE("a token that is renewed counts from the next try on") {
  SecureScene s;
  mount_account(s.t, s.ca.file());
  s.t.api.require_token("second");
  s.t.start();
  s.t.wait_for_failure(" does not know who asks (401): the token in " + s.t.folder.file("token") +
                       " is not or no longer valid");
  s.t.write("token", "second\n");
  s.t.wait_for("10.0.0.1:6001");
}

TEST_CASE("a service account that is not mounted, until it is") {
  SecureScene s;
  mount_account(s.t, s.ca.file());
  std::filesystem::remove(s.t.folder.file("token"));
  s.t.start();
  s.t.wait_for_failure("Kubernetes cannot be asked: " + s.t.folder.file("token") + " cannot be read: ");
  s.t.write("token", "first");
  s.t.wait_for("10.0.0.1:6001");
}

TEST_CASE("a server whose certificate is by another authority is not believed, until the file has its own") {
  SecureScene s;
  const test::Authority other("another");
  mount_account(s.t, other.file());
  s.t.start();
  s.t.wait_for_failure("its certificate is not accepted (");
  CHECK(s.t.failures.back().find(s.t.folder.file("ca.crt")) != std::string::npos);
  CHECK(s.t.api.counts().lists == 0);
  std::filesystem::copy_file(s.ca.file(), s.t.folder.file("ca.new"));
  std::filesystem::rename(s.t.folder.file("ca.new"), s.t.folder.file("ca.crt"));
  s.t.wait_for("10.0.0.1:6001");
}

TEST_CASE("names in the certificate of the server") {
  SecureScene s;
  SECTION("the one that was asked for") {
    s.t.use_kubeconfig(s.authority() + ", tls-server-name: localhost");
    s.t.start();
    s.t.wait_for("10.0.0.1:6001");
  }
  SECTION("another one") {
    s.t.use_kubeconfig(s.authority() + ", tls-server-name: kube.example");
    s.t.start();
    s.t.wait_for_failure("and the name kube.example");
  }
  SECTION("not looked at") {
    s.t.use_kubeconfig(", insecure-skip-tls-verify: true");
    s.t.start();
    s.t.wait_for("10.0.0.1:6001");
  }
}

TEST_CASE("a kubeconfig with a token") {
  SecureScene s;
  s.t.use_kubeconfig(s.authority(), "token: secret");
  s.t.api.require_token("secret");
  s.t.start();
  s.t.wait_for("10.0.0.1:6001");
}

TEST_CASE("a kubeconfig with a client certificate") {
  SecureScene s(true);
  const auto client = s.ca.issue({.names = {"tidegate"}});
  SECTION("which is shown") {
    s.t.use_kubeconfig(s.authority(),
                       "client-certificate: '" + client.certificate + "', client-key: '" + client.key + "'");
    s.t.start();
    s.t.wait_for("10.0.0.1:6001");
  }
  SECTION("with the key of another") {
    s.t.use_kubeconfig(s.authority(), "client-certificate: '" + client.certificate + "', client-key: '" +
                                          s.issued.key + "'");
    s.t.start();
    s.t.wait_for_failure(
        "the client-key is no PEM key without a passphrase, or not that of the client-certificate");
  }
  SECTION("without it nobody is let in") {
    s.t.use_kubeconfig(s.authority());
    s.t.start();
    s.t.run_until("a failure", [&] { return !s.t.failures.empty(); });
    CHECK(s.t.updates == 0);
  }
}

TEST_CASE("a kubeconfig that runs a program") {
  Scene t;
  t.use_kubeconfig("", "exec: {command: aws}");
  t.start();
  t.wait_for_failure("tidegate runs no programs for that");
  CHECK(t.api.requests().empty());
}
