#include "tests/support/kube_target.hpp"

#include <algorithm>
#include <charconv>

namespace tidegate::test {
namespace {

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned int byte = 0;
    const bool escape = text[i] == '%' && i + 2 < text.size();
    if (escape) std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    out += escape ? static_cast<char>(byte) : text[i];
    if (escape) i += 2;
  }
  return out;
}

}  // namespace

KubeTarget read_kube_target(std::string_view target) {
  KubeTarget asked;
  const auto mark = target.find('?');
  auto query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = std::min(pair.find('='), pair.size());
    asked.query[decode(pair.substr(0, equals))] = decode(pair.substr(std::min(equals + 1, pair.size())));
  }
  constexpr std::string_view before = "/apis/discovery.k8s.io/v1/namespaces/";
  constexpr std::string_view after = "/endpointslices";
  constexpr std::string_view label = "kubernetes.io/service-name=";
  const auto path = target.substr(0, mark);
  const auto& selector = asked.query["labelSelector"];
  if (!path.starts_with(before) || !path.ends_with(after) || !selector.starts_with(label)) return asked;
  const auto name = path.substr(before.size(), path.size() - before.size() - after.size());
  asked.selection = {decode(name), selector.substr(label.size())};
  return asked;
}

}  // namespace tidegate::test
