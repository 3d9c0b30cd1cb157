#include "upstream/discovery/dns/answer.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/upstream/discovery/dns/message.hpp"

using namespace tidegate::test;
using namespace tidegate::upstream::dns;
using namespace std::chrono_literals;

namespace {

constexpr unsigned a = 1;
constexpr unsigned ptr = 12;
constexpr unsigned aaaa = 28;
constexpr unsigned srv = 33;

Bytes ipv4(std::uint8_t last) {
  return {10, 0, 0, last};
}

Bytes ipv6(std::uint8_t last) {
  Bytes out(16, 0);
  out[0] = 0xfd;
  out[15] = last;
  return out;
}

MessageBytes answer_for(unsigned type, unsigned code = 0) {
  return MessageBytes("x.test", type, code);
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("addresses in an answer") {
  struct Row {
    const char* name;
    MessageBytes message;
    RecordType type;
    Texts addresses;
    std::chrono::seconds ttl;
  };
  auto any = Bytes(4, 0);
  const Row rows[] = {
      {"one", answer_for(a).answer("x.test", a, 30, ipv4(1)), RecordType::a, {"10.0.0.1"}, 30s},
      {"in the order of their numbers, once each, the smallest TTL",
       answer_for(a)
           .answer("x.test", a, 30, ipv4(10))
           .answer("x.test", a, 20, ipv4(2))
           .answer("x.test", a, 40, ipv4(10)),
       RecordType::a,
       {"10.0.0.2", "10.0.0.10"},
       20s},
      {"IPv6", answer_for(aaaa).answer("x.test", aaaa, 5, ipv6(1)), RecordType::aaaa, {"fd00::1"}, 5s},
      {"letters of any case", answer_for(a).answer("X.Test", a, 5, ipv4(1)), RecordType::a, {"10.0.0.1"}, 5s},
      {"a chain of CNAMEs counts into the TTL",
       answer_for(a)
           .alias("x.test", 60, "y.test")
           .alias("y.test", 7, "z.test")
           .answer("z.test", a, 30, ipv4(1)),
       RecordType::a,
       {"10.0.0.1"},
       7s},
      {"a chain in the wrong order",
       answer_for(a)
           .answer("z.test", a, 30, ipv4(1))
           .alias("y.test", 7, "z.test")
           .alias("x.test", 60, "y.test"),
       RecordType::a,
       {"10.0.0.1"},
       7s},
      {"what was not asked for is passed over",
       answer_for(a)
           .answer("other.test", a, 1, ipv4(9))
           .answer("x.test", aaaa, 1, ipv6(9))
           .answer("x.test", a, 30, ipv4(1)),
       RecordType::a,
       {"10.0.0.1"},
       30s},
      {"addresses that nobody can connect to",
       answer_for(a)
           .answer("x.test", a, 30, any)
           .answer("x.test", a, 30, {224, 0, 0, 1})
           .answer("x.test", a, 30, {10, 0, 0})
           .answer("x.test", a, 30, ipv4(1)),
       RecordType::a,
       {"10.0.0.1"},
       30s},
      {"a TTL with its highest bit is none (RFC 2181 8)",
       answer_for(a).answer("x.test", a, 0x80000001U, ipv4(1)),
       RecordType::a,
       {"10.0.0.1"},
       0s},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    const auto answer = parse_answer(row.message.bytes(), row.type);
    CHECK(answer.kind == AnswerKind::records);
    CHECK(answer.addresses == row.addresses);
    CHECK(answer.ttl == row.ttl);
  }
}

TEST_CASE("answers without records say why, and for how long") {
  struct Row {
    const char* name;
    MessageBytes message;
    AnswerKind kind;
    std::optional<std::chrono::seconds> ttl;
    std::string why;
  };
  const Row rows[] = {
      {"NXDOMAIN by the SOA's minimum", answer_for(a, 3).soa("test", 60, 5), AnswerKind::no_name, 5s,
       "NXDOMAIN"},
      {"NXDOMAIN by the SOA's own TTL", answer_for(a, 3).soa("test", 4, 60), AnswerKind::no_name, 4s,
       "NXDOMAIN"},
      {"NXDOMAIN without SOA", answer_for(a, 3), AnswerKind::no_name, {}, "NXDOMAIN"},
      {"NXDOMAIN behind a CNAME", answer_for(a, 3).alias("x.test", 2, "y.test").soa("test", 60, 60),
       AnswerKind::no_name, 2s, "NXDOMAIN"},
      {"NODATA", answer_for(aaaa).soa("test", 60, 5), AnswerKind::no_records, 5s, "no AAAA record"},
      {"a CNAME that leads nowhere", answer_for(a).alias("x.test", 9, "y.test"), AnswerKind::no_records, 9s,
       "no A record"},
      {"SERVFAIL", answer_for(a, 2), AnswerKind::failed, {}, "SERVFAIL"},
      {"REFUSED", answer_for(a, 5), AnswerKind::failed, {}, "REFUSED"},
      {"a code that nobody knows", answer_for(a, 11), AnswerKind::failed, {}, "RCODE 11"},
      {"CNAMEs in a circle",
       answer_for(a).alias("x.test", 1, "y.test").alias("y.test", 1, "x.test"),
       AnswerKind::failed,
       {},
       "CNAMEs that lead in a circle, or too far"},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    const auto type = std::string(row.name) == "NODATA" ? RecordType::aaaa : RecordType::a;
    const auto answer = parse_answer(row.message.bytes(), type);
    CHECK(answer.kind == row.kind);
    CHECK(answer.ttl == row.ttl);
    CHECK(answer.why == row.why);
  }
}

TEST_CASE("SRV records") {
  const auto message = answer_for(srv)
                           .answer("x.test", srv, 30, service_bytes(1, 20, 6001, "Pod-0.test"))
                           .answer("x.test", srv, 10, service_bytes(0, 5, 6002, "pod-1.test"))
                           .answer("x.test", srv, 30, service_bytes(0, 5, 0, "no-port.test"))
                           .answer("x.test", srv, 30, service_bytes(0, 5, 80, "no host.test"))
                           .answer("x.test", srv, 30, {0, 1, 0});
  const auto answer = parse_answer(message.bytes(), RecordType::srv);
  CHECK(answer.kind == AnswerKind::records);
  CHECK(answer.services ==
        std::vector<ServiceRecord>{{"pod-0.test", 6001, 20, 1}, {"pod-1.test", 6002, 5, 0}});
  CHECK(answer.ttl == 10s);

  const auto gone = answer_for(srv).answer("x.test", srv, 30, service_bytes(0, 0, 0, ""));
  CHECK(parse_answer(gone.bytes(), RecordType::srv).kind == AnswerKind::no_records);
  CHECK(parse_answer(gone.bytes(), RecordType::srv).why ==
        "says that it is decidedly not there (SRV target `.`)");
}

TEST_CASE("PTR records") {
  const auto message = answer_for(ptr).answer("x.test", ptr, 30, name_bytes("Soketi.hex.svc.local"));
  CHECK(parse_answer(message.bytes(), RecordType::ptr).names == Texts{"soketi.hex.svc.local"});
}

TEST_CASE("an answer that is cut off anywhere has no addresses") {
  const auto whole =
      answer_for(a).alias("x.test", 7, "z.test").answer("z.test", a, 30, ipv4(1)).soa("test", 1, 1).bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    const auto answer = parse_answer(std::span(whole).first(size), RecordType::a);
    CHECK(answer.kind == AnswerKind::failed);
    CHECK(answer.addresses.empty());
  }
  CHECK(parse_answer(whole, RecordType::a).addresses == Texts{"10.0.0.1"});
}

TEST_CASE("a question is no answer, and names that point in a circle are none") {
  auto question = answer_for(a).answer("x.test", a, 30, ipv4(1)).bytes();
  question[2] = 0x01;
  CHECK(parse_answer(question, RecordType::a).kind == AnswerKind::failed);

  auto circle = answer_for(a).bytes();
  circle[12] = 0xc0;  // the name asked for is where it begins
  circle[13] = 12;
  CHECK(parse_answer(circle, RecordType::a).kind == AnswerKind::failed);
}

TEST_CASE("a name has 255 octets at most (RFC 1035 3.1): an answer with a longer one is not read") {
  const auto label = std::string(61, 'a') + ".";
  const auto kind_with = [](const std::string& owner) {
    return parse_answer(answer_for(a).answer(owner, a, 30, ipv4(1)).bytes(), RecordType::a).kind;
  };
  CHECK(kind_with(label + label + label + label + "aaaaa") == AnswerKind::no_records);  // of another name
  CHECK(kind_with(label + label + label + label + "aaaaaa") == AnswerKind::failed);
  // Behind a pointer to such a name there is room for one octet and its length, and no more.
  const auto with_prefix = [&](const std::string& prefix) {
    auto message = answer_for(aaaa).answer(label + label + label + label + "aaa", aaaa, 30, ipv6(1)).bytes();
    const auto owner = static_cast<unsigned>(answer_for(aaaa).bytes().size());
    auto more = name_bytes(prefix);
    more.pop_back();
    push_16(more, 0xc000U | owner);
    for (const unsigned number : {aaaa, 1U, 0U, 30U, 16U}) push_16(more, number);
    const auto data = ipv6(2);
    more.insert(more.end(), data.begin(), data.end());
    message.insert(message.end(), more.begin(), more.end());
    message[7] = 2;
    return parse_answer(message, RecordType::aaaa).kind;
  };
  CHECK(with_prefix("b") == AnswerKind::no_records);
  CHECK(with_prefix("bb") == AnswerKind::failed);
}

TEST_CASE("more bytes than a message can have are no answer") {
  auto bytes = answer_for(a).answer("x.test", a, 30, ipv4(1)).bytes();
  bytes.resize(65'535);
  CHECK(parse_answer(bytes, RecordType::a).addresses == Texts{"10.0.0.1"});
  bytes.resize(65'536);
  CHECK(parse_answer(bytes, RecordType::a).kind == AnswerKind::failed);
}
