// An htpasswd file: names with their password hashes, `name:hash` on each line.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sys/stat.h>

namespace tidegate::gateway {

using PasswordTable = std::unordered_map<std::string, std::string>;

// Blank lines and those that begin with `#` are passed over; what follows a second colon is a comment. Of
// equal names the first counts. `fault` receives a sentence with its line for the first line that is neither;
// then the table is empty.
[[nodiscard]] PasswordTable parse_passwords(std::string_view text, std::string& fault);

constexpr const char* names_nobody = "names nobody, so that nobody is let in: add somebody by `htpasswd -B`";

// What is new since the look before.
struct PasswordReading {
  std::string fault;    // a sentence; the same only once
  bool mended = false;  // it was faulty
  bool nobody = false;  // it was read anew, and is without names
};

// The file as it was read last. Reading blocks: `refresh` is not for workers, everything else is for any
// thread.
class PasswordFile {
 public:
  // `path` is not read yet.
  explicit PasswordFile(std::string path) : path_(std::move(path)) {}
  PasswordFile(const PasswordFile&) = delete;
  PasswordFile& operator=(const PasswordFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Reads it if it was never read or has changed since. If that fails, what was read before stays, so that a
  // file half written locks nobody out.
  [[nodiscard]] PasswordReading refresh();
  // True once in a second and more: whoever gets it has the file refreshed.
  [[nodiscard]] bool take_turn(std::chrono::steady_clock::time_point now);
  // The hash of a user; nullopt if there is none of that name.
  [[nodiscard]] std::optional<std::string> find(const std::string& user) const;
  // The hash of somebody, to spend the time on that a known name would have cost; empty if there is none.
  [[nodiscard]] std::string any_hash() const;
  // Changes with every reading of new content and is never the same for two files; 0: not read yet.
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t changed = 0;  // nanoseconds
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] std::string read(int descriptor, std::size_t size);
  [[nodiscard]] PasswordReading refuse(std::string fault);
  [[nodiscard]] PasswordReading accept();

  const std::string path_;
  mutable std::mutex mutex_;
  PasswordTable users_;
  Stamp stamp_;
  std::string last_fault_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> next_turn_{0};  // of the steady clock
};

}  // namespace tidegate::gateway
