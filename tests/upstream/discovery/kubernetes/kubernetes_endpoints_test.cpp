#include "upstream/discovery/kubernetes/kubernetes_endpoints.hpp"

#include "tests/support/catch.hpp"
#include "tests/upstream/discovery/kubernetes/scene.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

TEST_CASE("a list, and then each change as it comes") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}, {"10.0.0.2"}}));
  t.api.put_slice(slice("b", {{"10.0.1.1", false}}));
  t.start();
  REQUIRE(t.updates == 0);  // never from within the constructor
  t.wait_for("10.0.0.1:6001 10.0.0.2:6001 10.0.1.1:6001?");
  CHECK(t.resets == 1);
  t.wait_for_watch();

  t.api.put_slice(slice("a", {{"10.0.0.1", false, true, true}, {"10.0.0.2"}}));
  t.wait_for("10.0.0.1:6001! 10.0.0.2:6001 10.0.1.1:6001?");
  CHECK(t.told.at("10.0.0.1:6001").cause == "slice a says terminating");
  CHECK(t.changed == 1);
  t.api.put_slice(slice("a", {{"10.0.0.2"}, {"10.0.0.3"}}));
  t.wait_for("10.0.0.2:6001 10.0.0.3:6001 10.0.1.1:6001?");
  CHECK(t.cause == "slice a lists it no longer");
  CHECK(t.changed == 3);
  t.api.delete_slice("hex", "b");
  t.wait_for("10.0.0.2:6001 10.0.0.3:6001");
  CHECK(t.cause == "slice b was deleted");

  CHECK(t.resets == 1);
  CHECK(t.failures.empty());
  CHECK(t.api.counts().lists == 1);
  CHECK(t.api.counts().watches == 1);
  CHECK(t.api.counts().others == 0);
}

TEST_CASE("slices of others are not looked at") {
  Scene t;
  auto other_service = slice("a", {{"10.0.0.1"}});
  other_service.service = "other";
  auto other_namespace = slice("b", {{"10.0.0.2"}});
  other_namespace.name_space = "elsewhere";
  t.api.put_slice(other_service);
  t.api.put_slice(other_namespace);
  t.start();
  t.run_until("a Reset", [&] { return t.resets == 1; });
  CHECK(t.told.empty());
  t.wait_for_watch();
  CHECK(t.warnings.at(0).starts_with("namespace hex has no EndpointSlice of a Service named soketi"));
  t.api.put_slice(other_service);
  t.api.put_slice(slice("c", {{"10.0.0.3"}}));
  t.wait_for("10.0.0.3:6001");
}

TEST_CASE("a long list comes in pages") {
  Scene t;
  for (int i = 0; i < 60; ++i)
    t.api.put_slice(slice("s" + std::to_string(i), {{"10.0.0." + std::to_string(i)}}));
  t.start();
  t.run_until("all", [&] { return t.told.size() == 60; });
  CHECK(t.updates == 1);
  CHECK(t.api.counts().lists == 3);
}

TEST_CASE("answers in small pieces") {
  Scene t;
  t.api.set_pieces(7);
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for("10.0.0.1:6001");
  t.wait_for_watch();
  t.api.put_slice(slice("a", {{"10.0.0.1"}, {"10.0.0.2"}}));
  t.wait_for("10.0.0.1:6001 10.0.0.2:6001");
}

TEST_CASE("a bookmark confirms, and the next watch begins there") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for_watch();
  t.wait_for("10.0.0.1:6001");
  auto elsewhere = slice("other", {});
  elsewhere.name_space = "elsewhere";
  for (int i = 0; i < 5; ++i) t.api.put_slice(elsewhere);
  t.run_until("the watch is heard of", [&] { return t.confirmed > 0; });
  const auto before = t.confirmed;
  t.api.send_bookmarks();
  t.run_until("a bookmark", [&] { return t.confirmed > before; });
  const auto version = t.api.version();
  t.api.close_watches();
  t.run_until("a second watch", [&] { return t.api.counts().watches == 2; });
  CHECK(t.api.requests().back().find("&resourceVersion=" + std::to_string(version) + "&") !=
        std::string::npos);
  CHECK(t.api.counts().lists == 1);
  CHECK(t.failures.empty());
  CHECK(t.changed == 0);
}

TEST_CASE("a watch that ends in time is begun anew") {
  Scene t;
  t.options.watch = 2s;  // shorter than a second is a complaint
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.run_until("two more", [&] { return t.api.counts().watches == 3; });
  t.wait_for_watch();
  t.api.put_slice(slice("a", {{"10.0.0.2"}}));
  t.wait_for("10.0.0.2:6001");
  CHECK(t.failures.empty());
  CHECK(t.api.counts().lists == 1);
}

TEST_CASE("a watch that brings nothing at all leads to a list: its version may be one that never was") {
  Scene t;
  t.options.watch = 2s;
  t.options.silence = 1s;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.run_until("a second list", [&] { return t.api.counts().lists == 2; });
  t.wait_for_watch();
  t.api.put_slice(slice("a", {{"10.0.0.2"}}));
  t.wait_for("10.0.0.2:6001");
  CHECK(t.resets == 1);
  CHECK(t.failures.empty());
}

TEST_CASE("another server in the kubeconfig is listed before it is watched") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for("10.0.0.1:6001");
  t.wait_for_watch();
  test::KubeApi other;
  other.put_slice(slice("b", {{"10.0.0.2"}}));
  t.write("config",
          "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
          "clusters: [{name: c, cluster: {server: '" +
              other.url() + "'}}]\nusers: [{name: u, user: {}}]\n");
  t.api.close_watches();
  t.wait_for("10.0.0.2:6001");
  CHECK(other.counts().lists == 1);
}

TEST_CASE("an event that is cut comes again with the next watch") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for_watch();
  t.api.put_slice(slice("a", {{"10.0.0.1"}, {"10.0.0.2"}}));
  t.wait_for("10.0.0.1:6001 10.0.0.2:6001");
  t.api.cut_next_event();
  t.api.put_slice(slice("a", {{"10.0.0.2"}}));
  t.wait_for("10.0.0.2:6001");
  CHECK(t.api.counts().lists == 1);
  CHECK(t.api.counts().watches == 2);
  CHECK(t.resets == 1);
}

TEST_CASE("a version that the server has forgotten leads to a list, of which only the differences are told") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}, {"10.0.0.2"}}));
  t.api.put_slice(slice("b", {{"10.0.1.1"}}));
  t.start();
  t.wait_for("10.0.0.1:6001 10.0.0.2:6001 10.0.1.1:6001");
  t.wait_for_watch();
  SECTION("by an event of the watch") {
    t.api.expire_watches();
  }
  SECTION("by the status of the next watch") {
    t.api.stop();
    t.api.compact();
    t.api.delete_slice("hex", "b");
    t.api.put_slice(slice("a", {{"10.0.0.1"}, {"10.0.0.3"}}));
    t.api.compact();
    t.api.start();
    t.wait_for("10.0.0.1:6001 10.0.0.3:6001");
    CHECK(t.changed == 3);
    CHECK(t.cause == "no EndpointSlice lists it any more");
  }
  t.run_until("a second list", [&] { return t.api.counts().lists == 2; });
  t.wait_for_watch();
  t.api.put_slice(slice("c", {{"10.0.2.1"}}));
  t.run_until("the next event", [&] { return t.told.contains("10.0.2.1:6001"); });
  CHECK(t.resets == 1);
}

TEST_CASE("a page that the server has forgotten begins the list anew") {
  Scene t;
  for (int i = 0; i < 30; ++i)
    t.api.put_slice(slice("s" + std::to_string(i), {{"10.0.0." + std::to_string(i)}}));
  t.api.set_pieces(64);  // so that the first page takes its time
  t.start();
  t.run_until("the first page", [&] { return t.api.counts().lists == 1; });
  t.api.compact();
  t.run_until("all", [&] { return t.told.size() == 30; });
  CHECK(t.updates == 1);
  CHECK(t.failures.empty());
  CHECK(t.api.counts().lists == 4);
}

TEST_CASE("it ends at any moment, with a request in flight or from within what it tells") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  SECTION("before anything has happened") {
    t.start();
    t.endpoints.reset();
  }
  SECTION("with a request without an answer") {
    t.api.set_stalled(true);
    t.start();
    t.run_until("a request", [&] { return t.api.counts().lists == 1; });
    t.endpoints.reset();
  }
  SECTION("in an update") {
    t.hook = [&] { t.endpoints.reset(); };
    t.start();
    t.run_until("its end", [&] { return t.endpoints == nullptr; });
  }
  SECTION("in a failure") {
    t.api.refuse(403);
    t.hook = [&] { t.endpoints.reset(); };
    t.start();
    t.run_until("its end", [&] { return t.endpoints == nullptr; });
    CHECK(t.failures.size() == 1);
  }
  SECTION("in an event of the watch") {
    t.start();
    t.wait_for_watch();
    t.run_until("the watch is heard of", [&] { return t.confirmed > 0; });
    t.hook = [&] { t.endpoints.reset(); };
    t.api.put_slice(slice("a", {{"10.0.0.2"}}));
    t.api.put_slice(slice("a", {{"10.0.0.3"}}));
    t.run_until("its end", [&] { return t.endpoints == nullptr; });
    CHECK(t.changed == 1);
  }
  const auto told = t.updates + t.confirmed;
  t.context.restart();
  t.context.run();  // everything of it ends
  CHECK(t.updates + t.confirmed == told);
}
