#include "upstream/discovery/dns/names.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::upstream::dns;

namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("which names are asked, and in which order") {
  struct Row {
    const char* why;
    std::string name;
    Texts search;
    int ndots;
    Texts asked;
  };
  const Texts cluster{"hex.svc.cluster.local", "svc.cluster.local"};
  const Row rows[] = {
      {"fewer dots than ndots: the search list first",
       "soketi",
       cluster,
       5,
       {"soketi.hex.svc.cluster.local", "soketi.svc.cluster.local", "soketi"}},
      {"as many dots: itself first",
       "soketi.hex",
       cluster,
       1,
       {"soketi.hex", "soketi.hex.hex.svc.cluster.local", "soketi.hex.svc.cluster.local"}},
      {"ndots 0", "soketi", {"test"}, 0, {"soketi", "soketi.test"}},
      {"absolute", "Soketi.Hex.", cluster, 5, {"soketi.hex"}},
      {"no search list", "soketi", {}, 5, {"soketi"}},
      {"domains with a final dot, and in any case", "a", {"B.Test."}, 1, {"a.b.test", "a"}},
      {"the root as a domain", "a", {"."}, 1, {"a"}},
      {"too long with a domain", std::string(250, 'a'), {"test"}, 1, {std::string(250, 'a')}},
      {"localhost is itself", "localhost", cluster, 5, {"localhost"}},
      {"nothing", "", {"test"}, 1, {}},
  };
  for (const auto& row : rows) {
    INFO(row.why);
    CHECK(search_names(row.name, row.search, row.ndots) == row.asked);
  }
}

TEST_CASE("resolv.conf is read as resolv.conf(5) says") {
  struct Row {
    const char* why;
    std::string text;
    ResolvConf read;
  };
  const Row rows[] = {
      {"of a pod",
       "search hex.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions "
       "ndots:5\n",
       {{"10.96.0.10"}, {"hex.svc.cluster.local", "svc.cluster.local", "cluster.local"}, 5}},
      {"empty: the server of this machine, the domain of its name", "", {{"127.0.0.1"}, {"example.com"}, 1}},
      {"comments, blanks, nonsense",
       "# nameserver 1.1.1.1\n;x\n\n  nameserver \t ::1  \nnameserver x\nnameserver\nsortlist 1\n",
       {{"::1"}, {"example.com"}, 1}},
      {"three servers at most",
       "nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n",
       {{"1.1.1.1", "1.1.1.2", "1.1.1.3"}, {"example.com"}, 1}},
      {"a link-local server is passed over",
       "nameserver fe80::1%eth0\nnameserver 1.1.1.1\n",
       {{"1.1.1.1"}, {"example.com"}, 1}},
      {"the last of search and domain counts", "search a b\ndomain c d\n", {{"127.0.0.1"}, {"c"}, 1}},
      {"no domain at all", "search .\n", {{"127.0.0.1"}, {}, 1}},
      {"ndots is bounded, others are not looked at",
       "options rotate ndots:99 timeout:1\noptions ndots:x\n",
       {{"127.0.0.1"}, {"example.com"}, 15}},
  };
  for (const auto& row : rows) {
    INFO(row.why);
    CHECK(parse_resolv_conf(row.text, "gateway.example.com") == row.read);
  }
  CHECK(parse_resolv_conf("", "gateway").search.empty());
}

TEST_CASE("the name of a Service is told from those below it") {
  CHECK(is_service_name("soketi.hex.svc.cluster.local"));
  CHECK(is_service_name("soketi.hex.svc.local"));
  for (const auto* name :
       {"10-0-3-7.soketi.hex.svc.cluster.local", "soketi.hex", "soketi.hex.svc", "soketi.hex.svc.",
        ".hex.svc.cluster.local", "example.com", "a.b.svcs.cluster.local", ""}) {
    INFO(name);
    CHECK_FALSE(is_service_name(name));
  }
}

TEST_CASE("names of this machine") {
  for (const auto* name : {"localhost", "LocalHost.", "soketi.localhost"}) CHECK(is_local_host(name));
  for (const auto* name : {"localhost.example.com", "mylocalhost", ""}) CHECK_FALSE(is_local_host(name));
}

TEST_CASE("names of PTR records") {
  CHECK(reverse_name("10.0.3.7") == "7.3.0.10.in-addr.arpa");
  CHECK(reverse_name("2001:db8::1") ==
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
  CHECK(reverse_name("soketi").empty());
}
