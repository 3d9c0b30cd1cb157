#include "upstream/discovery/dns/hosts_file.hpp"

#include <algorithm>
#include <sstream>

#include "wire/net/socket_address.hpp"

namespace tidegate::upstream::dns {
namespace {

constexpr std::chrono::seconds true_for{5};
constexpr std::size_t most_names = 100'000;

std::string plain(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; });
  return lower;
}

void add(std::vector<std::string>& addresses, const std::string& address) {
  if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
}

}  // namespace

HostsFile::HostsFile(std::string_view text) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line) && hosts_.size() < most_names;) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string written;
    words >> written;
    const auto address = net::SocketAddress::from_ip(written, 0);
    if (!address) continue;
    const bool is_v6 = written.find(':') != std::string::npos;
    for (std::string name; words >> name;) {
      auto& host = hosts_[plain(name)];
      add(is_v6 ? host.ipv6 : host.ipv4, address->host());
    }
  }
}

bool HostsFile::has(std::string_view name) const {
  return hosts_.contains(plain(name));
}

Answer HostsFile::answer(std::string_view name, RecordType type) const {
  Answer answer;
  answer.ttl = true_for;
  const auto found = hosts_.find(plain(name));
  if (found != hosts_.end() && type == RecordType::a) answer.addresses = found->second.ipv4;
  if (found != hosts_.end() && type == RecordType::aaaa) answer.addresses = found->second.ipv6;
  answer.kind = answer.addresses.empty() ? AnswerKind::no_records : AnswerKind::records;
  if (answer.addresses.empty()) answer.why = std::string("no ") + text_of(type) + " record in /etc/hosts";
  return answer;
}

}  // namespace tidegate::upstream::dns
