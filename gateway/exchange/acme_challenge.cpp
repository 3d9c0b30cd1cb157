#include "gateway/exchange/acme_challenge.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::string_view kFolder = "/.well-known/acme-challenge/";
constexpr std::size_t kLongestToken = 256;
constexpr std::size_t kLargestAnswer = 4096;

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kLongestToken && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace

bool is_acme_path(std::string_view path) {
  return path.starts_with(kFolder);
}

std::optional<std::string> read_acme_answer(const std::string& webroot, std::string_view path) {
  const auto token = path.substr(kFolder.size());
  if (!is_token(token)) return std::nullopt;
  const std::string file = webroot + std::string(kFolder) + std::string(token);
  // Not blocking: were it a FIFO, opening it would wait for a writer.
  const net::UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat about {};
  if (!opened || ::fstat(opened.get(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  if (about.st_size < 0 || static_cast<std::size_t>(about.st_size) > kLargestAnswer) return std::nullopt;
  std::string text(static_cast<std::size_t>(about.st_size), '\0');
  const auto count = ::read(opened.get(), text.data(), text.size());
  if (count < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(count));
  return text;
}

}  // namespace tidegate::gateway
