// Checks of passwords, away from the workers: a hash that is worth its name takes tens of milliseconds.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/process/client_key.hpp"
#include "gateway/process/password_file.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

// Stands for a user and a password of one reading of one file. Salted anew in every process: of no use to
// anybody who finds it in memory.
using PasswordDigest = std::array<std::uint8_t, 32>;

// Passwords that were right lately. Bounded: in a full row the oldest entry gives way.
class PasswordCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes life{10};

  [[nodiscard]] bool has(const PasswordDigest& digest, TimePoint now);
  void add(const PasswordDigest& digest, TimePoint now);

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kRows = 64;
  static constexpr std::size_t kWays = 4;
  struct Entry {
    PasswordDigest digest{};
    TimePoint added{};
  };
  using Row = std::array<Entry, kWays>;
  struct Shard {
    std::mutex mutex;
    std::vector<Row> rows;  // empty until the first entry
  };
  std::array<Shard, kShards> shards_;
};

// For the log; clients are never told why.
enum class PasswordVerdict : std::uint8_t { right, wrong, unknown_user };

// All functions are thread-safe.
class PasswordChecks {
 public:
  static constexpr std::size_t threads = 2;
  static constexpr std::size_t most_waiting = 128;
  // Who tries passwords in bulk must not keep all others from theirs.
  static constexpr std::size_t most_waiting_of_client = 32;

  explicit PasswordChecks(std::shared_ptr<spdlog::logger> log);
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;
  ~PasswordChecks() { stop(); }

  struct Check {
    std::shared_ptr<PasswordFile> file;
    std::string user;
    std::string password;
    std::function<void(PasswordVerdict)> done;  // called by a thread of this object's
    ClientKey client = {};
  };

  // True if this was found right lately and the file has not been read anew since: the file is looked at
  // every second while it is asked for.
  [[nodiscard]] bool remembers(const Check& check, PasswordCache::TimePoint now);
  // False if too many wait already, or too many of this client; `done` is then never called. The threads
  // start with the first check.
  [[nodiscard]] bool submit(Check check);
  // Ends the threads; checks that wait are dropped, and `done` is called no more once this returns.
  void stop();

 private:
  [[nodiscard]] PasswordDigest digest_of(const Check& check) const;
  void run();
  void perform(Check& check, class PasswordVerifier& verifier);

  std::shared_ptr<spdlog::logger> log_;
  std::array<std::uint8_t, 32> salt_{};
  PasswordCache cache_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Check> waiting_;
  std::vector<std::thread> threads_;
  bool stopped_ = false;
};

}  // namespace tidegate::gateway
