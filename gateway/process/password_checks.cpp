#include "gateway/process/password_checks.hpp"

#include <algorithm>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <spdlog/logger.h>

#include "gateway/process/password_files.hpp"
#include "gateway/process/password_hash.hpp"

namespace tidegate::gateway {
namespace {

// Leaves no copy of a password behind in freed memory.
void wipe(std::string& text) {
  ::OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace

// === PasswordCache ===

bool PasswordCache::has(const PasswordDigest& digest, TimePoint now) {
  auto& shard = shards_[digest[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.rows.empty()) return false;
  const auto& row = shard.rows[digest[1] % kRows];
  return std::any_of(row.begin(), row.end(), [&](const Entry& entry) {
    return entry.added != TimePoint{} && now - entry.added < life &&
           ::CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0;
  });
}

void PasswordCache::add(const PasswordDigest& digest, TimePoint now) {
  auto& shard = shards_[digest[0] % kShards];
  const std::lock_guard lock(shard.mutex);
  if (shard.rows.empty()) shard.rows.resize(kRows);
  auto& row = shard.rows[digest[1] % kRows];
  const auto same = std::find_if(row.begin(), row.end(), [&](const auto& e) { return e.digest == digest; });
  const auto oldest = std::min_element(row.begin(), row.end(),
                                       [](const auto& a, const auto& b) { return a.added < b.added; });
  *(same != row.end() ? same : oldest) = {digest, now};
}

// === PasswordChecks ===

PasswordChecks::PasswordChecks(std::shared_ptr<spdlog::logger> log) : log_(std::move(log)) {
  if (::RAND_bytes(salt_.data(), static_cast<int>(salt_.size())) != 1)
    throw std::runtime_error("no random bytes for the salt of passwords");
}

PasswordDigest PasswordChecks::digest_of(const Check& check) const {
  std::string text(reinterpret_cast<const char*>(salt_.data()), salt_.size());
  const auto number = [&text](std::uint64_t value) {
    for (int i = 0; i < 8; ++i, value >>= 8) text.push_back(static_cast<char>(value & 0xff));
  };
  number(check.file->generation());
  number(check.user.size());  // `a` with `bc` is not `ab` with `c`
  text.append(check.user).append(check.password);
  PasswordDigest digest{};
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha256(), nullptr);
  wipe(text);
  return digest;
}

bool PasswordChecks::remembers(const Check& check, PasswordCache::TimePoint now) {
  // A check without a user only looks at the file. Where the queue is full the next second will do.
  if (check.file->take_turn(now)) (void)submit({.file = check.file, .user = {}, .password = {}, .done = {}});
  return check.file->generation() != 0 && cache_.has(digest_of(check), now);
}

bool PasswordChecks::submit(Check check) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || waiting_.size() >= most_waiting) return false;
    const auto of_client = std::count_if(waiting_.begin(), waiting_.end(),
                                         [&](const Check& other) { return other.client == check.client; });
    if (static_cast<std::size_t>(of_client) >= most_waiting_of_client) return false;
    waiting_.push_back(std::move(check));
    // One more thread for each of the first checks.
    if (threads_.size() < threads) threads_.emplace_back([this] { run(); });
  }
  wake_.notify_one();
  return true;
}

void PasswordChecks::stop() {
  std::vector<std::thread> ending;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (auto& check : waiting_) wipe(check.password);
    waiting_.clear();
    ending.swap(threads_);
  }
  wake_.notify_all();
  for (auto& thread : ending) thread.join();
}

void PasswordChecks::run() {
  ::pthread_setname_np(::pthread_self(), "passwords");
  PasswordVerifier verifier;
  for (;;) {
    Check check;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
      if (stopped_) return;
      check = std::move(waiting_.front());
      waiting_.pop_front();
    }
    perform(check, verifier);
    wipe(check.password);
  }
}

void PasswordChecks::perform(Check& check, PasswordVerifier& verifier) {
  read_and_tell(*check.file, *log_);
  if (!check.done) return;
  const auto digest = digest_of(check);
  const auto now = std::chrono::steady_clock::now();
  // A page that loads asks for many things at once: the first answer serves them all.
  auto verdict = PasswordVerdict::right;
  if (!cache_.has(digest, now)) {
    const auto hash = check.file->find(check.user);
    // A name that is not there takes its time too, so that names cannot be found out by the clock.
    const bool fits = verifier.verify(check.password, hash ? *hash : check.file->any_hash());
    if (!hash) {
      verdict = PasswordVerdict::unknown_user;
    } else if (!fits) {
      verdict = PasswordVerdict::wrong;
    } else {
      cache_.add(digest, now);
    }
  }
  check.done(verdict);
}

}  // namespace tidegate::gateway
