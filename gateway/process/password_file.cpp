#include "gateway/process/password_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>

#include "gateway/process/password_hash.hpp"
#include "wire/net/unique_fd.hpp"
#include "wire/net/whole_file.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::chrono::seconds kLookInterval{1};
constexpr std::size_t kLargestFile = 16 * 1024 * 1024;

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Shared by all files, so that no two readings have the same number.
std::uint64_t next_generation() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

PasswordTable parse_passwords(std::string_view text, std::string& fault) {
  PasswordTable users;
  fault.clear();
  for (int number = 1; !text.empty(); ++number) {
    const auto line = take_line(text);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.front() == '#') continue;
    const auto colon = line.find(':');
    auto hash = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    hash = hash.substr(0, hash.find(':'));
    if (colon == 0 || hash.empty()) {
      fault = "line " + std::to_string(number) + ": expected `name:hash`";
    } else if (!is_password_hash(hash)) {
      fault = "line " + std::to_string(number) +
              ": the password is not hashed in a way that can be checked here: write it by `htpasswd -B`";
    }
    if (!fault.empty()) return {};
    users.emplace(line.substr(0, colon), hash);
  }
  return users;
}

PasswordReading PasswordFile::refresh() {
  const net::UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  const bool seen = file && ::fstat(file.get(), &status) == 0;
  const int error = errno;
  const std::lock_guard lock(mutex_);
  if (!seen) return refuse("cannot be read: " + std::string(std::strerror(error)));
  if (!S_ISREG(status.st_mode)) return refuse("is not a file");
  const Stamp stamp{status.st_dev, status.st_ino, status.st_size,
                    std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
  if (stamp == stamp_) return accept();
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kLargestFile) return refuse("is larger than 16 MiB");
  auto fault = read(file.get(), size);
  if (!fault.empty()) return refuse(std::move(fault));
  stamp_ = stamp;
  auto reading = accept();
  reading.nobody = users_.empty();
  return reading;
}

// Within the lock, as the next two.
std::string PasswordFile::read(int descriptor, std::size_t size) {
  const auto text = net::read_open_file(descriptor, size, kLargestFile);
  if (!text) return text.error().why;
  std::string fault;
  auto users = parse_passwords(*text, fault);
  if (!fault.empty()) return fault;
  users_ = std::move(users);
  generation_.store(next_generation(), std::memory_order_release);
  return {};
}

PasswordReading PasswordFile::refuse(std::string fault) {
  if (fault == last_fault_) return {};
  last_fault_ = fault;
  PasswordReading reading;
  reading.fault = std::move(fault);
  return reading;
}

PasswordReading PasswordFile::accept() {
  const bool mended = !last_fault_.empty();
  last_fault_.clear();
  PasswordReading reading;
  reading.mended = mended;
  return reading;
}

bool PasswordFile::take_turn(std::chrono::steady_clock::time_point now) {
  const std::int64_t ticks = now.time_since_epoch().count();
  auto next = next_turn_.load(std::memory_order_relaxed);
  const auto after = ticks + std::chrono::steady_clock::duration(kLookInterval).count();
  return ticks >= next && next_turn_.compare_exchange_strong(next, after, std::memory_order_relaxed);
}

std::optional<std::string> PasswordFile::find(const std::string& user) const {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  return found == users_.end() ? std::nullopt : std::optional(found->second);
}

std::string PasswordFile::any_hash() const {
  const std::lock_guard lock(mutex_);
  return users_.empty() ? std::string() : users_.begin()->second;
}

}  // namespace tidegate::gateway
