#include <algorithm>

#include "conf/checks.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

void check_names(const std::vector<std::string>& names, std::string_view field, const Findings& findings) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& name = names[i];
    const std::string_view host = name.starts_with("*.") ? std::string_view(name).substr(2) : name;
    const bool good = !host.empty() && std::all_of(host.begin(), host.end(), is_name_character) &&
                      host.front() != '.' && host.back() != '.';
    if (good) continue;
    auto below = findings.below(std::string(field) + "[" + std::to_string(i) + "]");
    below.add({},
              quote(name) + " is no server name: write `a.example.com` or `*.example.com`, in lower case");
  }
}

}  // namespace

void check_server_tls(const ServerTls& tls, Findings findings) {
  for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
    check_names(tls.certificates[i].names, "certificates[" + std::to_string(i) + "].names", findings);
  }
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < tls.hosts.size(); ++i) {
    const auto field = "hosts[" + std::to_string(i) + "].names";
    check_names(tls.hosts[i].names, field, findings);
    for (const auto& name : tls.hosts[i].names) {
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        findings.add(field, quote(name) + " has a policy above already: remove one of the two");
      seen.push_back(name);
    }
  }
}

}  // namespace tidegate::conf
