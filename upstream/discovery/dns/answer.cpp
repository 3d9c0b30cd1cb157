#include "upstream/discovery/dns/answer.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "upstream/discovery/dns/message_reader.hpp"

namespace tidegate::upstream::dns {
namespace {

namespace ip = boost::asio::ip;
using std::chrono::seconds;

constexpr std::uint16_t class_internet = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;
constexpr int longest_chain = 16;  // CNAMEs; a loop ends here too
constexpr std::size_t longest_host = 253;

std::string text_of_code(unsigned code) {
  static constexpr std::array names{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  return code < names.size() ? names[code] : "RCODE " + std::to_string(code);
}

Answer without_records(AnswerKind kind, std::string why) {
  Answer answer;
  answer.kind = kind;
  answer.why = std::move(why);
  return answer;
}

// What the sections of a message hold, in one walk.
struct Contents {
  std::vector<Record> records;  // of the asked type
  struct Alias {
    std::string target;
    seconds ttl;
  };
  std::unordered_map<std::string, Alias> aliases;
  std::optional<seconds> negative_ttl;
};

// The smaller of the SOA's own TTL and its last field (RFC 2308 5).
std::optional<seconds> negative_ttl_of(const MessageReader& reader, const Record& soa) {
  auto inside = reader.at(soa.offset);
  if (!inside.read_name() || !inside.read_name() || !inside.skip(16)) return std::nullopt;
  const auto minimum = inside.read_32();
  if (!minimum || inside.offset() != soa.offset + soa.size) return std::nullopt;
  return std::min(soa.ttl, ttl_of(*minimum));
}

// False where a record is cut off; what was read until there is not used either, because such an answer has
// been tampered with or is of a broken server.
bool read_sections(MessageReader& reader, const Header& header, RecordType type, Contents& out) {
  for (unsigned left = header.answers; left > 0; --left) {
    auto record = reader.read_record();
    if (!record) return false;
    if (record->record_class != class_internet) continue;
    if (record->type == static_cast<std::uint16_t>(type)) {
      out.records.push_back(std::move(*record));
    } else if (record->type == type_cname) {
      auto target = reader.at(record->offset).read_name();
      if (!target) return false;
      out.aliases.try_emplace(std::move(record->owner), Contents::Alias{std::move(*target), record->ttl});
    }
  }
  for (unsigned left = header.authorities; left > 0; --left) {
    const auto record = reader.read_record();
    if (!record) return false;
    if (record->type != type_soa) continue;
    out.negative_ttl = negative_ttl_of(reader, *record);
    return true;
  }
  return true;
}

// Follows the CNAMEs from `name`; nothing if they go round.
std::optional<std::string> follow(const Contents& contents, std::string name, std::optional<seconds>& ttl) {
  for (int step = 0; step < longest_chain; ++step) {
    const auto alias = contents.aliases.find(name);
    if (alias == contents.aliases.end()) return name;
    ttl = std::min(ttl.value_or(alias->second.ttl), alias->second.ttl);
    name = alias->second.target;
  }
  return std::nullopt;
}

template <class Number>
std::optional<ip::address> read_address(std::span<const std::uint8_t> bytes) {
  typename Number::bytes_type octets;
  if (bytes.size() != octets.size()) return std::nullopt;
  std::ranges::copy(bytes, octets.begin());
  const Number number(octets);
  const bool usable = !number.is_unspecified() && !number.is_multicast();
  return usable ? std::optional<ip::address>(number) : std::nullopt;
}

std::optional<ip::address> address_of(std::span<const std::uint8_t> bytes, RecordType type) {
  return type == RecordType::a ? read_address<ip::address_v4>(bytes) : read_address<ip::address_v6>(bytes);
}

bool is_host(std::string_view name) {
  return !name.empty() && name.size() <= longest_host && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

template <class Value>
void sort_unique(std::vector<Value>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::optional<ServiceRecord> read_service(MessageReader inside) {
  const auto priority = inside.read_16();
  const auto weight = inside.read_16();
  const auto port = inside.read_16();
  auto target = inside.read_name();
  if (!priority || !weight || !port || !target) return std::nullopt;
  return ServiceRecord{std::move(*target), *port, *weight, *priority};
}

// Takes what the records of `owner` say into `answer`; true if one of them is an SRV record for the root.
bool take_records(const MessageReader& reader, const Contents& contents, RecordType type,
                  const std::string& owner, Answer& answer) {
  std::vector<ip::address> addresses;
  bool withdrawn = false;
  for (const auto& record : contents.records) {
    if (record.owner != owner) continue;
    answer.ttl = std::min(answer.ttl.value_or(record.ttl), record.ttl);
    if (type == RecordType::a || type == RecordType::aaaa) {
      if (auto address = address_of(reader.bytes(record), type)) addresses.push_back(std::move(*address));
    } else if (type == RecordType::srv) {
      auto service = read_service(reader.at(record.offset));
      if (service && service->target.empty()) withdrawn = true;
      if (service && service->port != 0 && is_host(service->target))
        answer.services.push_back(std::move(*service));
    } else if (auto name = reader.at(record.offset).read_name(); name && is_host(*name)) {
      answer.names.push_back(std::move(*name));
    }
  }
  sort_unique(addresses);
  for (const auto& address : addresses) answer.addresses.push_back(address.to_string());
  sort_unique(answer.services);
  sort_unique(answer.names);
  return withdrawn;
}

}  // namespace

const char* text_of(RecordType type) {
  switch (type) {
    case RecordType::a: return "A";
    case RecordType::ptr: return "PTR";
    case RecordType::aaaa: return "AAAA";
    case RecordType::srv: return "SRV";
  }
  return "";
}

Answer parse_answer(std::span<const std::uint8_t> message, RecordType type) {
  MessageReader reader(message);
  const auto header = reader.read_header();
  if (!header || !header->response)
    return without_records(AnswerKind::failed, "bytes that are no DNS answer");
  if (header->code != 0 && header->code != 3) {
    return without_records(AnswerKind::failed, text_of_code(header->code));
  }
  auto question = header->questions == 1 ? reader.read_name() : std::nullopt;
  Contents contents;
  if (!question || !reader.skip(4) || !read_sections(reader, *header, type, contents)) {
    return without_records(AnswerKind::failed, "a malformed answer");
  }

  Answer answer;
  const auto owner = follow(contents, std::move(*question), answer.ttl);
  if (!owner) return without_records(AnswerKind::failed, "CNAMEs that lead in a circle, or too far");
  // NXDOMAIN may follow CNAMEs: it is the last name that does not exist (RFC 6604 3).
  const bool withdrawn = header->code == 0 && take_records(reader, contents, type, *owner, answer);
  if (!answer.addresses.empty() || !answer.services.empty() || !answer.names.empty()) {
    answer.kind = AnswerKind::records;
    return answer;
  }
  if (contents.negative_ttl)
    answer.ttl = std::min(answer.ttl.value_or(*contents.negative_ttl), *contents.negative_ttl);
  answer.kind = header->code == 3 ? AnswerKind::no_name : AnswerKind::no_records;
  answer.why = header->code == 3 ? "NXDOMAIN" : std::string("no ") + text_of(type) + " record";
  if (withdrawn) answer.why = "says that it is decidedly not there (SRV target `.`)";
  return answer;
}

}  // namespace tidegate::upstream::dns
