// The server's side of TLS for one listener: which certificate and which client-certificate policy a server
// name gets (RFC 8446, RFC 6066).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include "wire/net/server_names.hpp"
#include "wire/net/tls_certificate.hpp"
#include "wire/net/tls_context.hpp"
#include "wire/net/tls_error.hpp"
#include "wire/net/tls_session.hpp"
#include "wire/net/tls_staple.hpp"
#include "wire/net/tls_tickets.hpp"

namespace tidegate::net {

enum class ClientCertificates : std::uint8_t { off, optional, required };

// Whether clients show a certificate, and who must have issued it. Files are PEM.
struct ClientCertificatePolicy {
  ClientCertificates ask = ClientCertificates::off;
  std::string authorities;  // CA certificates; needed unless `off`
  std::string revoked;      // CRLs of all CAs of a chain; empty: none are looked at
  int depth = 1;            // CA certificates between the client's and the root
};

struct TlsIdentity {
  CertificateFiles files;
  std::vector<std::string> names;            // empty: those in the certificate
  std::string staple = {};                   // a file with an OCSP response (DER) to send along; empty: none
  std::optional<OcspDirections> fetch = {};  // the response is fetched instead: see `TlsServer::staples`
};

// A policy for some names; the others have the listener's own.
struct TlsNamedPolicy {
  std::vector<std::string> names;
  ClientCertificatePolicy clients;
};

struct TlsServerSettings {
  std::vector<TlsIdentity> identities;  // the first one answers to unknown names
  bool staples_needed = true;           // false: a certificate goes without if its own cannot be had or used
  bool refuse_unknown = false;          // with `unrecognized_name` instead
  TlsChoices choices;
  ClientCertificatePolicy clients;
  std::vector<TlsNamedPolicy> policies;
};

// All identities that cannot be used: one that is faulty does not hide the next. As a TlsFault it is the
// first of them.
class TlsIdentityFaults : public TlsFault {
 public:
  struct Entry {
    std::size_t identity;  // its place in the settings
    TlsFault fault;
  };
  explicit TlsIdentityFaults(std::vector<Entry> entries)
      : TlsFault(entries.front().fault), entries_(std::move(entries)) {}
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// Immutable once built and shared by all workers, the contents of its staples apart; a reload builds another.
class TlsServer : public std::enable_shared_from_this<TlsServer> {
 public:
  // Reads all files. Throws TlsFault, for identities TlsIdentityFaults. `now` is what certificates are
  // checked against.
  static std::shared_ptr<const TlsServer> make(TlsServerSettings settings, std::shared_ptr<TicketKeys> keys,
                                               WallTime now);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  // For an accepted socket, which must outlive the session. Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<TlsSession> accept(int socket) const;

  // Whether a session may carry a request for `host`: false if another client-certificate policy holds for
  // that name than was applied in the handshake (RFC 9110 7.4, 15.5.20: 421).
  [[nodiscard]] bool fits(const TlsSession& session, std::string_view host) const;

  [[nodiscard]] const std::vector<Certificate>& certificates() const { return certificates_; }
  // Of each certificate; null: it has none. One that is to be fetched is empty until somebody does.
  [[nodiscard]] const std::vector<std::shared_ptr<TlsStaple>>& staples() const { return staples_; }
  // Its connections are to be encrypted by the kernel.
  [[nodiscard]] bool wants_kernel() const { return settings_.choices.kernel; }

 private:
  struct Handshake;
  struct Policy {
    ClientCertificatePolicy clients;
    std::string digest;  // of all that it says, the contents of its files included
  };
  struct Site {
    std::vector<std::size_t> identities;
    std::size_t policy;
    SslContextPtr context;
  };

  TlsServer(TlsServerSettings settings, std::shared_ptr<TicketKeys> keys, WallTime now);
  void load_identities(WallTime now);
  void load_identity(const TlsIdentity& identity, WallTime now);
  void load_policies();
  void build_sites();
  [[nodiscard]] std::vector<std::size_t> identities_of(std::string_view name) const;
  [[nodiscard]] std::size_t site_for(const std::vector<std::size_t>& identities, std::size_t policy);
  [[nodiscard]] SslContextPtr make_site_context(const Site& site) const;
  // nullptr: refused.
  [[nodiscard]] SSL_CTX* choose(std::string_view name) const;

  static int on_client_hello(SSL* ssl, int* alert, void* self);
  static SSL_TICKET_RETURN on_resumption(SSL* ssl, SSL_SESSION* session, const unsigned char* name,
                                         std::size_t name_size, SSL_TICKET_STATUS status, void* argument);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int seals);
  static int on_alpn(SSL* ssl, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                     unsigned offered_size, void* self);
  static int on_status(SSL* ssl, void* self);

  const TlsServerSettings settings_;
  const std::shared_ptr<TicketKeys> keys_;
  std::vector<Certificate> certificates_;            // as `settings_.identities`
  std::vector<std::vector<std::string>> names_;      // of each
  std::vector<std::shared_ptr<TlsStaple>> staples_;  // of each
  std::vector<Policy> policies_;                     // the listener's own first
  std::vector<Site> sites_;                          // the first one is for unknown names
  ServerNames site_names_;
  std::vector<std::size_t> fallback_sites_;  // by policy: for names without a certificate of their own
  ServerNames policy_names_;
};

}  // namespace tidegate::net
