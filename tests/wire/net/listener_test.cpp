#include <filesystem>
#include <string>

#include <sys/stat.h>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/wire/net/sockets.hpp"
#include "wire/net/socket_address.hpp"

using namespace tidegate::net;
using namespace tidegate::tests;

namespace {

const auto kAny = *SocketAddress::from_ip("127.0.0.1", 0);

}  // namespace

TEST_CASE("a second instance gets EADDRINUSE") {
  const auto first = open_listener(kAny, 16, PortSharing::exclusive);
  REQUIRE(first.has_value());
  const auto at = SocketAddress::local_of(first->get());
  CHECK(at.port() != 0);
  const auto second = open_listener(at, 16, PortSharing::exclusive);
  REQUIRE(second.has_error());
  CHECK(second.error().value() == EADDRINUSE);
}

TEST_CASE("the workers of one process share a port") {
  const auto first = open_listener(kAny, 16, PortSharing::exclusive);
  REQUIRE(first.has_value());
  const auto at = SocketAddress::local_of(first->get());
  const auto second = open_listener(at, 16, PortSharing::shared);
  REQUIRE(second.has_value());
  const auto third = open_listener(at, 16, PortSharing::shared);
  REQUIRE(third.has_value());
  CHECK(SocketAddress::local_of(third->get()) == at);
  // With all of them open a second instance is still refused.
  CHECK(open_listener(at, 16, PortSharing::exclusive).has_error());
}

TEST_CASE("a port is free again at once after its sockets are closed") {
  auto first = open_listener(kAny, 16, PortSharing::exclusive);
  REQUIRE(first.has_value());
  const auto at = SocketAddress::local_of(first->get());
  auto client = dial(at);
  auto accepted = accept_from(*first);
  accepted.reset();  // the side that closes first is left in TIME_WAIT
  client.reset();
  first->reset();
  CHECK(open_listener(at, 16, PortSharing::exclusive).has_value());
}

TEST_CASE("a stale Unix socket file is removed, a live one is not") {
  const tidegate::test::TemporaryFolder folder;
  const auto at = *SocketAddress::from_path(folder.file("a.sock"));
  auto first = open_listener(at, 16, PortSharing::exclusive);
  REQUIRE(first.has_value());
  const auto second = open_listener(at, 16, PortSharing::exclusive);
  REQUIRE(second.has_error());
  CHECK(second.error().value() == EADDRINUSE);
  const auto client = dial(at);  // it still answers
  first->reset();                // as a killed process does: the file stays
  struct stat status {};
  REQUIRE(::stat(folder.file("a.sock").c_str(), &status) == 0);
  const auto third = open_listener(at, 16, PortSharing::exclusive);
  CHECK(third.has_value());
}

TEST_CASE("a file that is no socket is left alone") {
  const tidegate::test::TemporaryFolder folder;
  const auto path = folder.file("a.sock");
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const auto listener = open_listener(*SocketAddress::from_path(path), 16, PortSharing::exclusive);
  CHECK(listener.has_error());
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("abstract Unix addresses need no file") {
  const auto at = *SocketAddress::from_path("@tidegate-test-" + std::to_string(::getpid()));
  const auto first = open_listener(at, 16, PortSharing::exclusive);
  REQUIRE(first.has_value());
  CHECK(open_listener(at, 16, PortSharing::exclusive).has_error());
  const auto client = dial(at);
  SocketAddress peer;
  const auto accepted = SocketAddress::accept(first->get(), peer);
  CHECK(accepted);
  CHECK(peer.host() == "unix:");
}

TEST_CASE("accepting takes one connection off, and none is an error that waits") {
  const auto listener = listen_here();
  SocketAddress peer;
  CHECK_FALSE(SocketAddress::accept(listener.get(), peer));
  CHECK(errno == EAGAIN);
  const auto client = dial(SocketAddress::local_of(listener.get()));
  const auto accepted = SocketAddress::accept(listener.get(), peer);
  REQUIRE(accepted);
  CHECK(peer == SocketAddress::local_of(client.get()));
  CHECK((::fcntl(accepted.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(accepted.get(), F_GETFD) & FD_CLOEXEC) != 0);
}
