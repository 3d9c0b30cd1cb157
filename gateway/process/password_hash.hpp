// Passwords against the hashes of an htpasswd file: bcrypt (`$2y$`) and whatever else the system's crypt
// knows, Apache's MD5 (`$apr1$`), `{SHA}` and `{SSHA}`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct crypt_data;

namespace tidegate::gateway {

// What crypt takes; longer passwords are wrong, whatever the hash.
inline constexpr std::size_t kLongestPassword = 511;

// A hash in a format that `PasswordVerifier` knows, and that does not take many seconds to check. Plain text
// is none.
[[nodiscard]] bool is_password_hash(std::string_view hash);

// For one thread at a time: it holds crypt's 32 KB of working memory.
class PasswordVerifier {
 public:
  PasswordVerifier();
  ~PasswordVerifier();

  // Takes as long as the hash wants it to. Hashes are compared in constant time.
  [[nodiscard]] bool verify(const std::string& password, const std::string& hash);

 private:
  std::unique_ptr<crypt_data> state_;
};

}  // namespace tidegate::gateway
