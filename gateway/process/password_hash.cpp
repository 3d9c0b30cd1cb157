#include "gateway/process/password_hash.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace tidegate::gateway {
namespace {

constexpr std::string_view kApr1 = "$apr1$";
constexpr std::string_view kSha = "{SHA}";
constexpr std::string_view kSaltedSha = "{SSHA}";
constexpr std::size_t kSha1Size = 20;

std::string digest(const EVP_MD* kind, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  // Fails where the system forbids the algorithm; an empty digest equals no hash.
  if (::EVP_Digest(text.data(), text.size(), out.data(), &size, kind, nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(out.data()), size};
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && !a.empty() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// === {SHA} and {SSHA}: base64 of a SHA-1 digest, and of the salt behind it ===

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > 1024) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  auto* const into = reinterpret_cast<unsigned char*>(out.data());
  const auto* const from = reinterpret_cast<const unsigned char*>(text.data());
  if (::EVP_DecodeBlock(into, from, static_cast<int>(text.size())) < 0) return std::nullopt;
  const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
  out.resize(out.size() - padding);
  return out;
}

bool verify_sha(std::string_view password, std::string_view encoded) {
  const auto decoded = decode_base64(encoded);
  if (!decoded || decoded->size() < kSha1Size) return false;
  const auto salt = std::string_view(*decoded).substr(kSha1Size);
  return equal(digest(::EVP_sha1(), std::string(password).append(salt)),
               std::string_view(*decoded).substr(0, kSha1Size));
}

// === Apache's variant of the MD5 crypt ===

void append_64(std::string& out, unsigned value, int count) {
  constexpr std::string_view digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (; count > 0; --count, value >>= 6) out.push_back(digits[value & 63]);
}

std::string first_round(std::string_view password, std::string_view salt) {
  const auto mixed = digest(::EVP_md5(), std::string(password).append(salt).append(password));
  if (mixed.empty()) return {};
  auto text = std::string(password).append(kApr1).append(salt);
  for (auto left = password.size(); left > 0; left -= std::min<std::size_t>(left, 16))
    text.append(mixed, 0, std::min<std::size_t>(left, 16));
  for (auto bits = password.size(); bits != 0; bits >>= 1)
    text.push_back((bits & 1) != 0 ? '\0' : password.front());
  return digest(::EVP_md5(), text);
}

bool verify_apr1(std::string_view password, std::string_view rest) {
  const auto dollar = rest.find('$');
  if (dollar == std::string_view::npos || dollar > 8) return false;
  const auto salt = rest.substr(0, dollar);
  auto sum = first_round(password, salt);
  for (unsigned round = 0; round < 1000 && !sum.empty(); ++round) {
    const bool odd = (round & 1) != 0;
    std::string text(odd ? password : std::string_view(sum));
    if (round % 3 != 0) text.append(salt);
    if (round % 7 != 0) text.append(password);
    text.append(odd ? std::string_view(sum) : password);
    sum = digest(::EVP_md5(), text);
  }
  if (sum.empty()) return false;
  const auto byte = [&sum](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(sum[i]));
  };
  std::string encoded;
  for (std::size_t i = 0; i < 5; ++i)
    append_64(encoded, byte(i) << 16 | byte(i + 6) << 8 | byte(i == 4 ? 5 : i + 12), 4);
  append_64(encoded, byte(11), 2);
  return equal(encoded, rest.substr(dollar + 1));
}

// A hash whose check would not end within a second or a few is more likely a mistake than a wish: each would
// keep everybody else's waiting.
bool is_affordable(std::string_view hash) {
  constexpr int most_doublings = 14;     // of bcrypt: about a second
  constexpr int most_rounds_digits = 6;  // of SHA-crypt
  constexpr std::string_view rounds = "rounds=";
  if (hash.starts_with("$2") && hash.size() > 6) {
    const int doublings = (hash[4] - '0') * 10 + (hash[5] - '0');
    return doublings <= most_doublings;
  }
  const auto at = hash.find(rounds);
  if (at == std::string_view::npos) return true;
  const auto number = hash.substr(at + rounds.size());
  return number.substr(0, number.find('$')).size() <= most_rounds_digits;
}

}  // namespace

bool is_password_hash(std::string_view hash) {
  if (hash.starts_with(kApr1)) return hash.find('$', kApr1.size()) != std::string_view::npos;
  for (const auto kind : {kSha, kSaltedSha}) {
    if (!hash.starts_with(kind)) continue;
    const auto decoded = decode_base64(hash.substr(kind.size()));
    return decoded && decoded->size() >= kSha1Size;
  }
  // The whole hash serves crypt as its setting; that it can be used is all there is to know in advance.
  const std::string text(hash);
  const bool traditional = text.size() == 13;
  if ((!text.starts_with('$') && !traditional) || !is_affordable(text)) return false;
  const auto usable = ::crypt_checksalt(text.c_str());
  return usable != CRYPT_SALT_INVALID && usable != CRYPT_SALT_METHOD_DISABLED;
}

PasswordVerifier::PasswordVerifier() : state_(std::make_unique<crypt_data>()) {}

PasswordVerifier::~PasswordVerifier() {
  ::OPENSSL_cleanse(state_.get(), sizeof *state_);
}

bool PasswordVerifier::verify(const std::string& password, const std::string& hash) {
  // crypt would stop at a zero byte and take half a password for the whole.
  if (password.size() > kLongestPassword || password.find('\0') != std::string::npos) return false;
  const std::string_view text(hash);
  if (text.starts_with(kApr1)) return verify_apr1(password, text.substr(kApr1.size()));
  if (text.starts_with(kSha)) return verify_sha(password, text.substr(kSha.size()));
  if (text.starts_with(kSaltedSha)) return verify_sha(password, text.substr(kSaltedSha.size()));
  const char* const made = ::crypt_r(password.c_str(), hash.c_str(), state_.get());
  // A failure is a text that begins with `*`, which no hash does.
  return made != nullptr && made[0] != '*' && equal(made, hash);
}

}  // namespace tidegate::gateway
