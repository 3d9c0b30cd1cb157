#include "upstream/discovery/kubernetes/api_target.hpp"

#include <string_view>

namespace tidegate::upstream {
namespace {

// Slices of 100 endpoints, as the controller makes them, have some 50 KB.
constexpr int slices_of_page = 25;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string slices_of(const SliceSelection& selection) {
  return "/apis/discovery.k8s.io/v1/namespaces/" + encode(selection.name_space) +
         "/endpointslices?labelSelector=" + encode("kubernetes.io/service-name=" + selection.service);
}

}  // namespace

// Without a resourceVersion: the newest state, not one that the server happens to have cached.
std::string list_target(const SliceSelection& selection, const std::string& next) {
  auto target = slices_of(selection) + "&limit=" + std::to_string(slices_of_page);
  if (!next.empty()) target += "&continue=" + encode(next);
  return target;
}

std::string watch_target(const SliceSelection& selection, const std::string& version,
                         std::chrono::seconds span) {
  return slices_of(selection) + "&watch=true&allowWatchBookmarks=true&resourceVersion=" + encode(version) +
         "&timeoutSeconds=" + std::to_string(span.count());
}

}  // namespace tidegate::upstream
