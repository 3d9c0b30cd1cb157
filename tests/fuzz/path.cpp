// Targets and paths. The decoded form by which routes are chosen is what a plain reading of RFC 3986 gives:
// segments decoded one by one, dots removed, an encoded slash left as it is.
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"
#include "wire/http/target.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

unsigned digit(char c) {
  return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a') + 10;
}

std::string decode_segment(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] != '%') {
      out.push_back(segment[i]);
      continue;
    }
    const auto c = static_cast<char>(digit(segment[i + 1]) << 4 | digit(segment[i + 2]));
    c == '/' ? out.append("%2F") : out.append(1, c);
    i += 2;
  }
  return out;
}

// `path` is valid: it begins with a slash and each '%' has its digits. False: it leaves the root.
bool resolve(std::string_view path, std::string& out) {
  std::vector<std::string> kept;
  bool open = false;  // the last segment was taken away: its slash stays
  path.remove_prefix(1);
  for (bool more = true; more;) {
    const auto slash = path.find('/');
    more = slash != std::string_view::npos;
    const auto segment = decode_segment(path.substr(0, slash));
    if (more) path.remove_prefix(slash + 1);
    open = segment == "." || segment == "..";
    if (segment == "..") {
      if (kept.empty()) return false;
      kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
  }
  out.clear();
  for (const auto& segment : kept) out.append("/").append(segment);
  if (open) out.push_back('/');
  return true;
}

void check_target(std::string_view method, std::string_view text) {
  const auto target = http::parse_target(method, text);
  if (!target) return;
  require(target->authority.empty() || http::is_valid_authority(target->authority), "an authority is valid");
  if (target->form == http::TargetForm::asterisk) return;
  require(target->path.starts_with('/'), "a path begins with a slash");
  require(target->path.find_first_of("?# ") == std::string_view::npos,
          "a path has neither query nor fragment");
  std::string path;
  std::string plain;
  const bool inside = http::normalise_path(target->path, path);
  require(inside == resolve(target->path, plain), "only what leaves the root is refused");
  if (!inside) return;
  require(path == plain, "the decoded path is that of a plain reading");
  require(path.find('\0') == std::string::npos, "no NUL");
  for (const std::string_view dots : {"/./", "/../"})
    require(path.find(dots) == std::string::npos, "no dot segment");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  check_target("GET", text);
  check_target("OPTIONS", text);
  if (http::is_valid_authority(text)) {
    const auto split = http::split_authority(text);
    require(split.host.size() <= text.size() && !split.host.empty(), "a host is part of its authority");
  }
  return 0;
}
