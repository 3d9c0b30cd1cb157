#include "upstream/discovery/dns/names.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace tidegate::upstream::dns {
namespace {

namespace ip = boost::asio::ip;

// Limits of glibc and of RFC 1035.
constexpr std::size_t most_servers = 3;
constexpr std::size_t most_domains = 32;
constexpr int most_dots = 15;
constexpr std::size_t longest_dns_name = 253;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(
      out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return out;
}

std::string without_final_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower(name);
}

std::vector<std::string> words_of(std::string_view line) {
  std::istringstream stream{std::string(line)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void take_options(const std::vector<std::string>& words, ResolvConf& out) {
  constexpr std::string_view key = "ndots:";
  for (const auto& word : words) {
    if (!word.starts_with(key)) continue;
    int dots = 0;
    const auto* const end = word.data() + word.size();
    const auto [rest, error] = std::from_chars(word.data() + key.size(), end, dots);
    if (error == std::errc{} && rest == end) out.ndots = std::clamp(dots, 0, most_dots);
  }
}

void take_server(const std::string& word, ResolvConf& out) {
  boost::system::error_code error;
  static_cast<void>(ip::make_address(word, error));
  const bool scoped = word.find('%') != std::string::npos;
  if (!error && !scoped && out.servers.size() < most_servers) out.servers.push_back(word);
}

std::string hex_digits_reversed(const ip::address_v6::bytes_type& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    for (const auto half : {*byte & 0xf, *byte >> 4}) {
      out.push_back(digits[static_cast<std::size_t>(half)]);
      out.push_back('.');
    }
  }
  return out;
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text, std::string_view host_name) {
  ResolvConf out;
  if (const auto dot = host_name.find('.'); dot != std::string_view::npos) {
    out.search = {without_final_dot(host_name.substr(dot + 1))};
  }
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    auto words = words_of(line);
    if (words.size() < 2) continue;
    const auto key = words.front();
    words.erase(words.begin());
    if (key == "nameserver") {
      take_server(words.front(), out);
    } else if (key == "search" || key == "domain") {  // the last of them counts
      out.search.clear();
      if (key == "domain" || words.size() > most_domains) words.resize(key == "domain" ? 1 : most_domains);
      for (const auto& word : words) out.search.push_back(without_final_dot(word));
      std::erase(out.search, "");  // `search .`: none
    } else if (key == "options") {
      take_options(words, out);
    }
  }
  if (out.servers.empty()) out.servers = {"127.0.0.1"};
  return out;
}

std::vector<std::string> search_names(std::string_view name, const std::vector<std::string>& search,
                                      int ndots) {
  const bool absolute = name.ends_with('.') || is_local_host(name);
  const auto itself = without_final_dot(name);
  std::vector<std::string> names;
  const auto add = [&names](std::string one) {
    if (!one.empty() && one.size() <= longest_dns_name && std::ranges::find(names, one) == names.end()) {
      names.push_back(std::move(one));
    }
  };
  const bool itself_first = absolute || std::ranges::count(itself, '.') >= ndots;
  if (itself_first) add(itself);
  for (const auto& domain : search) {
    if (absolute || itself.empty()) break;
    const auto suffix = without_final_dot(domain);
    auto completed = itself;
    if (!suffix.empty()) completed.append(".").append(suffix);
    add(std::move(completed));
  }
  if (!itself_first) add(itself);
  return names;
}

bool is_local_host(std::string_view name) {
  constexpr std::string_view local = "localhost";
  const auto itself = without_final_dot(name);
  return itself == local || itself.ends_with("." + std::string(local));
}

bool is_service_name(std::string_view name) {
  for (int label = 0; label < 2; ++label) {
    const auto dot = name.find('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    name.remove_prefix(dot + 1);
  }
  constexpr std::string_view kind = "svc.";
  return name.starts_with(kind) && name.size() > kind.size();
}

std::string reverse_name(std::string_view address) {
  boost::system::error_code error;
  const auto parsed = ip::make_address(address, error);
  if (error) return {};
  if (parsed.is_v6()) return hex_digits_reversed(parsed.to_v6().to_bytes()) + "ip6.arpa";
  std::string out;
  const auto bytes = parsed.to_v4().to_bytes();
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) out += std::to_string(*byte) + ".";
  return out + "in-addr.arpa";
}

}  // namespace tidegate::upstream::dns
