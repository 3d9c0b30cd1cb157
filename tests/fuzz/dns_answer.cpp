// DNS answers. Whatever comes, what is taken from it is within bounds and in order, and a shorter answer is
// never taken for more.
#include <algorithm>

#include "tests/fuzz/target.hpp"
#include "upstream/discovery/dns/answer.hpp"
#include "upstream/discovery/dns/names.hpp"

using namespace tidegate::fuzz;
using namespace tidegate::upstream::dns;

namespace {

template <class Value>
bool is_sorted_unique(const std::vector<Value>& values) {
  return std::is_sorted(values.begin(), values.end()) &&
         std::adjacent_find(values.begin(), values.end()) == values.end();
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::ranges::none_of(name, [](char c) {
    return c <= ' ' || c == '\\' || static_cast<unsigned char>(c) >= 0x7f || (c >= 'A' && c <= 'Z');
  });
}

void check(const Answer& answer, RecordType type) {
  const bool has_any = !answer.addresses.empty() || !answer.services.empty() || !answer.names.empty();
  require(has_any == (answer.kind == AnswerKind::records),
          "records are what makes it an answer with records");
  require(answer.why.empty() == has_any, "an answer without records says why");
  require(!answer.ttl || answer.ttl->count() >= 0, "no TTL is negative");
  require(!has_any || answer.ttl, "records have a TTL");
  require(answer.addresses.empty() || type == RecordType::a || type == RecordType::aaaa, "of the asked type");
  for (const auto& address : answer.addresses) require(!reverse_name(address).empty(), "an address is one");
  require(is_sorted_unique(answer.services) && is_sorted_unique(answer.names), "sorted, and nothing twice");
  for (const auto& service : answer.services)
    require(is_name(service.target) && service.port != 0, "a target");
  for (const auto& name : answer.names) require(is_name(name), "a name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto type : {RecordType::a, RecordType::aaaa, RecordType::srv, RecordType::ptr}) {
    check(parse_answer({data, size}, type), type);
  }
  (void)parse_resolv_conf(text_of(data, size), "host.example");
  for (const auto& name : search_names(text_of(data, size), {"a.test"}, 1)) {
    require(!name.empty() && name.size() <= 253, "a name that can be asked for");
  }
  return 0;
}
