// DNS answers, read strictly and within bounds: pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace tidegate::upstream::dns {

enum class RecordType : std::uint16_t { a = 1, ptr = 12, aaaa = 28, srv = 33 };

// `A`, `AAAA`, `PTR`, `SRV`.
[[nodiscard]] const char* text_of(RecordType type);

enum class AnswerKind : std::uint8_t {
  records,     // there are some, and at least one is of use
  no_records,  // the name exists, or is said to, without such records (NODATA)
  no_name,     // NXDOMAIN
  failed,  // a server answered, but could not or would not say: SERVFAIL, REFUSED, bytes that are no answer
  unanswered,  // no server answered in time
};

// RFC 2782. The target is without final dot, in lower case.
struct ServiceRecord {
  std::string target;
  std::uint16_t port = 0;
  std::uint16_t weight = 0;
  std::uint16_t priority = 0;
  bool operator==(const ServiceRecord&) const = default;
  friend bool operator<(const ServiceRecord& a, const ServiceRecord& b) {
    return std::tie(a.target, a.port, a.weight, a.priority) <
           std::tie(b.target, b.port, b.weight, b.priority);
  }
};

// What came of one question. The lists are sorted and hold nothing twice, so that a server that shuffles its
// records changes nothing.
struct Answer {
  AnswerKind kind = AnswerKind::failed;
  std::string why;  // of an answer without records, for people: `NXDOMAIN`, `SERVFAIL`, `no answer in time`
  std::vector<std::string> addresses;  // A and AAAA: IP literals, in the order of the numbers they are
  std::vector<ServiceRecord> services;
  std::vector<std::string> names;  // PTR: as targets are
  // How long it is true: the smallest TTL of the records and of the CNAMEs that lead to them (RFC 2181 5.2).
  // Of NXDOMAIN and NODATA what their SOA says (RFC 2308 5), nothing if there is none.
  std::optional<std::chrono::seconds> ttl;
};

// Reads a whole DNS message that answers a question for `type`; its size, 64 KB over TCP at most, bounds what
// there is to read: less than 6,000 records. Records whose owner is not the name asked
// for, or where its CNAMEs lead, are passed over; so are addresses that nobody can connect to (0.0.0.0 of a
// DNS filter, multicast) and SRV records without port. `no_records` whose only SRV target is the root says so
// in `why` (RFC 2782: decidedly not available).
[[nodiscard]] Answer parse_answer(std::span<const std::uint8_t> message, RecordType type);

}  // namespace tidegate::upstream::dns
