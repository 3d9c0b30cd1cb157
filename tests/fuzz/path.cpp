// Targets and paths. The form by which routes are chosen is one that no server can read differently: whether
// it takes encoded slashes and backslashes for slashes, and empty segments for segments, or not.
#include <optional>
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

// With encoded slashes as NUL, which no valid path holds.
std::string decode(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out.push_back(path[i]);
      continue;
    }
    const auto c = static_cast<char>(digit(path[i + 1]) << 4 | digit(path[i + 2]));
    out.push_back(c == '/' ? '\0' : c);
    i += 2;
  }
  return out;
}

std::string with_slashes_for(std::string_view others, std::string path) {
  for (char& c : path) {
    if (others.find(c) != std::string_view::npos) c = '/';
  }
  return path;
}

std::string without_empty_segments(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || !out.ends_with('/')) out.push_back(c);
  }
  return out;
}

// RFC 3986 5.2.4 as it stands there; nothing if it leaves the root.
std::optional<std::string> remove_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool open = false;  // the last segment was taken away: its slash stays
  path.remove_prefix(1);
  for (bool more = true; more;) {
    const auto slash = path.find('/');
    more = slash != std::string_view::npos;
    const auto segment = path.substr(0, slash);
    if (more) path.remove_prefix(slash + 1);
    open = segment == "." || segment == "..";
    if (segment == "..") {
      if (kept.empty()) return std::nullopt;
      kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
  }
  std::string out;
  for (const auto segment : kept) out.append("/").append(segment);
  if (open || out.empty()) out.push_back('/');
  return out;
}

// Every way to read `raw` gives a spelling of `matched`.
void check_readings(std::string_view raw, const std::string& matched) {
  const std::string_view nul("", 1);
  for (const std::string_view slashes :
       {std::string_view(), nul, std::string_view("\\"), std::string_view("\0\\", 2)}) {
    for (const bool merges : {false, true}) {
      auto path = with_slashes_for(slashes, decode(raw));
      if (merges) path = without_empty_segments(path);
      const auto read = remove_dots(path);
      require(read.has_value(), "no reading leaves the root");
      require(without_empty_segments(with_slashes_for(std::string_view("\0\\", 2), *read)) ==
                  without_empty_segments(with_slashes_for("\\", matched)),
              "all readings mean the path that is matched");
    }
  }
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
  const bool certain = http::normalise_path(target->path, path);
  const auto decoded = decode(target->path);
  if (decoded.find_first_of(std::string_view("\0\\", 2)) == std::string::npos &&
      decoded.find("//") == std::string::npos)
    require(certain == remove_dots(decoded).has_value(), "a simple path is refused only above the root");
  if (!certain) return;
  check_readings(target->path, path);
  require(path.find('\0') == std::string::npos, "no NUL");
  for (const std::string_view dots : {"/./", "/../", "//"})
    require(path.find(dots) == std::string::npos, "neither dot segments nor empty ones");
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
