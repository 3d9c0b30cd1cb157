// Keys of session tickets (RFC 5077, RFC 8446 4.6.1): one set for all listeners and workers, so that a client
// resumes wherever it lands, over reloads too.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::net {

using TicketSecret = std::array<std::uint8_t, 32>;

// What seals the tickets of one scope. A scope names the server name, its certificate and its
// client-certificate policy, so that a ticket got under one policy opens nothing under another
// (CVE-2025-23419): it meets other keys.
struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher{};  // AES-256-CBC
  std::array<std::uint8_t, 32> digest{};  // HMAC-SHA256
};
[[nodiscard]] TicketKey derive_ticket_key(const TicketSecret& secret, std::string_view scope);

// Thread-safe. The newest secret seals; the older ones still open, and have their ticket replaced.
class TicketKeys {
 public:
  using Clock = std::chrono::system_clock;

  // A random secret that is followed by another every `period`; the last two still open tickets.
  explicit TicketKeys(Clock::duration period) : period_(period) {}

  // Replaces all secrets, the first one seals, and ends the rotation: they come from a file that replicas
  // share.
  void set(std::vector<TicketSecret> secrets);
  // Undoes `set`: a secret of its own seals from now on, and those that were set open for a while yet.
  void rotate();

  // For a process that takes over: the secrets, the sealing one first, and since when that one seals.
  struct Kept {
    std::vector<TicketSecret> secrets;
    Clock::time_point made;

    template <class Archive>
    void carry(Archive& archive) {
      archive(secrets, made);
    }
  };
  [[nodiscard]] Kept keep(Clock::time_point now);
  // Goes on with them and with their rotation.
  void go_on(Kept kept);

  [[nodiscard]] TicketKey sealing(std::string_view scope, Clock::time_point now);
  struct Opening {
    TicketKey key;
    bool newest = false;
  };
  // The key that `name` belongs to in this scope, or nothing.
  [[nodiscard]] std::optional<Opening> opening(std::span<const std::uint8_t> name, std::string_view scope,
                                               Clock::time_point now);

 private:
  using Secrets = std::shared_ptr<const std::vector<TicketSecret>>;
  [[nodiscard]] Secrets current(Clock::time_point now);

  const Clock::duration period_;
  std::mutex mutex_;  // guards what follows
  Secrets secrets_;
  Clock::time_point made_;
  bool fixed_ = false;
};

// Reads a file of one or more secrets, the sealing one first: 80 bytes each (as `openssl rand 80` writes them
// for nginx) or 48. Throws TlsFault.
[[nodiscard]] std::vector<TicketSecret> read_ticket_secrets(const std::string& file);

}  // namespace tidegate::net
