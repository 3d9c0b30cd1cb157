#include "wire/net/tls_tickets.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "wire/net/tls_error.hpp"
#include "wire/net/whole_file.hpp"

namespace tidegate::net {
namespace {

constexpr std::size_t kKept = 3;  // one seals, two still open

std::array<std::uint8_t, 32> derive(const TicketSecret& secret, char purpose, std::string_view scope) {
  std::array<std::uint8_t, 32> out{};
  std::string info(1, purpose);
  info += scope;
  unsigned size = out.size();
  const auto* const made =
      ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(info.data()), info.size(), out.data(), &size);
  if (made == nullptr) throw std::bad_alloc();
  return out;
}

TicketSecret random_secret() {
  TicketSecret secret{};
  if (::RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1)
    throw TlsFault("", "the system gives no random bytes");
  return secret;
}

}  // namespace

TicketKey derive_ticket_key(const TicketSecret& secret, std::string_view scope) {
  TicketKey key;
  const auto name = derive(secret, 'n', scope);
  std::copy_n(name.begin(), key.name.size(), key.name.begin());
  key.cipher = derive(secret, 'c', scope);
  key.digest = derive(secret, 'd', scope);
  return key;
}

void TicketKeys::set(std::vector<TicketSecret> secrets) {
  const std::lock_guard lock(mutex_);
  secrets_ = std::make_shared<const std::vector<TicketSecret>>(std::move(secrets));
  fixed_ = true;
}

void TicketKeys::rotate() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(fixed_, false)) made_ = {};
}

TicketKeys::Secrets TicketKeys::current(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (fixed_ || (secrets_ && now - made_ < period_)) return secrets_;
  std::vector<TicketSecret> next{random_secret()};
  if (secrets_) next.insert(next.end(), secrets_->begin(), secrets_->end());
  if (next.size() > kKept) next.resize(kKept);
  secrets_ = std::make_shared<const std::vector<TicketSecret>>(std::move(next));
  made_ = now;
  return secrets_;
}

TicketKeys::Kept TicketKeys::keep(Clock::time_point now) {
  const auto secrets = current(now);
  const std::lock_guard lock(mutex_);
  return {*secrets, made_};
}

void TicketKeys::go_on(Kept kept) {
  if (kept.secrets.empty()) return;
  const std::lock_guard lock(mutex_);
  secrets_ = std::make_shared<const std::vector<TicketSecret>>(std::move(kept.secrets));
  made_ = kept.made;
  fixed_ = false;
}

TicketKey TicketKeys::sealing(std::string_view scope, Clock::time_point now) {
  return derive_ticket_key(current(now)->front(), scope);
}

std::optional<TicketKeys::Opening> TicketKeys::opening(std::span<const std::uint8_t> name,
                                                       std::string_view scope, Clock::time_point now) {
  const auto secrets = current(now);
  for (const auto& secret : *secrets) {
    auto key = derive_ticket_key(secret, scope);
    if (name.size() == key.name.size() && ::CRYPTO_memcmp(name.data(), key.name.data(), name.size()) == 0)
      return Opening{key, &secret == &secrets->front()};
  }
  return std::nullopt;
}

std::vector<TicketSecret> read_ticket_secrets(const std::string& file) {
  const auto read = read_whole_file(file);
  if (!read) throw TlsFault(file, read.error().why);
  const auto& bytes = *read;
  const std::size_t each = bytes.size() % 80 == 0 ? 80 : 48;
  if (bytes.empty() || bytes.size() % each != 0 || bytes.size() / each > 16) {
    throw TlsFault(
        file, "holds " + std::to_string(bytes.size()) +
                  " bytes; a ticket key has 80 (or 48), made by `openssl rand 80`, and up to 16 may follow "
                  "one another");
  }
  std::vector<TicketSecret> secrets;
  for (std::size_t at = 0; at < bytes.size(); at += each) {
    TicketSecret secret{};
    unsigned size = secret.size();
    ::EVP_Digest(bytes.data() + at, each, secret.data(), &size, ::EVP_sha256(), nullptr);
    secrets.push_back(secret);
  }
  return secrets;
}

}  // namespace tidegate::net
