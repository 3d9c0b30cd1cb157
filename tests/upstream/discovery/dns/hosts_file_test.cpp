#include "upstream/discovery/dns/hosts_file.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::upstream::dns;
using Texts = std::vector<std::string>;

TEST_CASE("names of /etc/hosts, with all their addresses") {
  const HostsFile hosts(
      "127.0.0.1 localhost\n"
      "# 10.0.0.9 commented\n"
      "10.0.0.1\tdb db.example.com  # the first\r\n"
      "10.0.0.2 DB\n"
      "10.0.0.1 db\n"
      "fd00::1 db\n"
      "nonsense db\n"
      "10.0.0.3\n");
  CHECK(hosts.has("db"));
  CHECK(hosts.has("DB.example.com."));
  CHECK_FALSE(hosts.has("commented"));
  CHECK(hosts.answer("db", RecordType::a).addresses == Texts{"10.0.0.1", "10.0.0.2"});
  CHECK(hosts.answer("db", RecordType::aaaa).addresses == Texts{"fd00::1"});
  CHECK(hosts.answer("db", RecordType::a).kind == AnswerKind::records);
  CHECK(hosts.answer("db.example.com", RecordType::aaaa).kind == AnswerKind::no_records);
  CHECK(hosts.answer("db", RecordType::srv).kind == AnswerKind::no_records);
}
