#include "wire/net/tls_server.hpp"

#include <algorithm>
#include <new>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace tidegate::net {
namespace {

constexpr unsigned char kProtocols[] = "\x08http/1.1\x08http/1.0";

// What a context knows beyond OpenSSL; belongs to the context.
struct SiteFacts {
  std::size_t policy = 0;
  std::string scope;
  std::vector<std::pair<const X509*, std::shared_ptr<const TlsStaple>>> staples;  // by leaf
};

// The parameters of this and other callbacks are OpenSSL's choice.
// NOLINTNEXTLINE(readability-function-size)
void free_facts(void*, void* facts, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<SiteFacts*>(facts);
}

int facts_index() {
  static const int index = ::SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_facts);
  return index;
}

int handshake_index() {
  static const int index = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

const SiteFacts& facts_of(const SSL* ssl) {
  return *static_cast<const SiteFacts*>(::SSL_CTX_get_ex_data(::SSL_get_SSL_CTX(ssl), facts_index()));
}

std::string digest_of(const std::string& text) {
  std::string out(32, '\0');
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &size, ::EVP_sha256(),
               nullptr);
  return out;
}

std::shared_ptr<TlsStaple> make_staple(const TlsIdentity& identity, const Certificate& certificate,
                                       WallTime now) {
  if (identity.fetch) return std::make_shared<TlsStaple>(make_ocsp_inquiry(certificate, *identity.fetch));
  if (identity.staple.empty()) return nullptr;
  return std::make_shared<TlsStaple>(read_ocsp_response(identity.staple, certificate, now));
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

int verify_mode(ClientCertificates ask) {
  if (ask == ClientCertificates::off) return SSL_VERIFY_NONE;
  if (ask == ClientCertificates::optional) return SSL_VERIFY_PEER;
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

}  // namespace

// Lives until the handshake is over; the session knows of it no longer than that.
struct TlsServer::Handshake {
  Handshake(std::shared_ptr<const TlsServer> owner, SSL* session) : server(std::move(owner)), ssl(session) {}
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  ~Handshake() { ::SSL_set_ex_data(ssl, handshake_index(), nullptr); }

  std::shared_ptr<const TlsServer> server;
  SSL* ssl;  // outlives this: see TlsSession
  std::string name;
};

std::shared_ptr<const TlsServer> TlsServer::make(TlsServerSettings settings, std::shared_ptr<TicketKeys> keys,
                                                 WallTime now) {
  return std::shared_ptr<const TlsServer>(new TlsServer(std::move(settings), std::move(keys), now));
}

TlsServer::TlsServer(TlsServerSettings settings, std::shared_ptr<TicketKeys> keys, WallTime now)
    : settings_(std::move(settings)), keys_(std::move(keys)) {
  load_identities(now);
  load_policies();
  build_sites();
}

void TlsServer::load_identities(WallTime now) {
  std::vector<TlsIdentityFaults::Entry> faults;
  for (std::size_t i = 0; i < settings_.identities.size(); ++i) {
    try {
      load_identity(settings_.identities[i], now);
    } catch (const TlsFault& fault) {
      faults.push_back({i, fault});
    }
  }
  if (!faults.empty()) throw TlsIdentityFaults(std::move(faults));
  if (certificates_.empty()) throw TlsFault("", "no certificate is named");
}

void TlsServer::load_identity(const TlsIdentity& identity, WallTime now) {
  auto certificate = load_certificate(identity.files, now);
  try {
    staples_.push_back(make_staple(identity, certificate, now));
  } catch (const TlsFault& fault) {
    if (settings_.staples_needed) throw;
    staples_.push_back(std::make_shared<TlsStaple>(fault));
  }
  names_.push_back(identity.names.empty() ? certificate.names() : identity.names);
  certificates_.push_back(std::move(certificate));
}

void TlsServer::load_policies() {
  const auto add = [this](const ClientCertificatePolicy& clients) {
    std::string all = std::to_string(static_cast<int>(clients.ask)) + " " + std::to_string(clients.depth);
    if (clients.ask != ClientCertificates::off) all += " " + digest_of(read_pem_file(clients.authorities));
    if (!clients.revoked.empty()) all += " " + digest_of(read_pem_file(clients.revoked));
    policies_.push_back({clients, digest_of(all)});
  };
  add(settings_.clients);
  for (const auto& named : settings_.policies) {
    for (const auto& name : named.names) policy_names_.add(name, policies_.size());
    add(named.clients);
  }
}

std::vector<std::size_t> TlsServer::identities_of(std::string_view name) const {
  std::vector<std::size_t> found;
  const auto collect = [&](std::string_view wanted) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (has(names_[i], wanted)) found.push_back(i);
    }
  };
  collect(name);
  const auto dot = name.find('.');
  if (found.empty() && dot != std::string_view::npos) collect("*" + std::string(name.substr(dot)));
  return found;
}

void TlsServer::build_sites() {
  // For unknown names: the first certificate and those that stand beside it for another type of key.
  std::vector<std::size_t> fallback;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == names_.front()) fallback.push_back(i);
  }
  for (std::size_t policy = 0; policy < policies_.size(); ++policy)
    fallback_sites_.push_back(site_for(fallback, policy));
  const auto add = [&](const std::string& name) {
    auto identities = identities_of(name);
    if (identities.empty()) identities = fallback;
    site_names_.add(name, site_for(identities, policy_names_.find_within(name).value_or(0)));
  };
  for (const auto& names : names_) std::for_each(names.begin(), names.end(), add);
  for (const auto& named : settings_.policies) std::for_each(named.names.begin(), named.names.end(), add);
}

std::size_t TlsServer::site_for(const std::vector<std::size_t>& identities, std::size_t policy) {
  for (std::size_t i = 0; i < sites_.size(); ++i) {
    if (sites_[i].identities == identities && sites_[i].policy == policy) return i;
  }
  Site site{identities, policy, nullptr};
  site.context = make_site_context(site);
  sites_.push_back(std::move(site));
  return sites_.size() - 1;
}

SslContextPtr TlsServer::make_site_context(const Site& site) const {
  auto context = make_context(::TLS_server_method(), settings_.choices);
  auto* const raw = context.get();
  auto facts = std::make_unique<SiteFacts>();
  for (const auto i : site.identities) {
    use_certificate(raw, certificates_[i]);
    if (staples_[i]) facts->staples.emplace_back(certificates_[i].leaf.get(), staples_[i]);
  }
  const auto& policy = policies_[site.policy];
  facts->policy = site.policy;
  facts->scope = policy.digest;
  if (::SSL_CTX_set_ex_data(raw, facts_index(), facts.get()) != 1) throw std::bad_alloc();
  (void)facts.release();

  if (policy.clients.ask != ClientCertificates::off) {
    trust_authorities(raw, policy.clients.authorities);
    ::SSL_CTX_set_client_CA_list(raw, ::SSL_load_client_CA_file(policy.clients.authorities.c_str()));
    if (!policy.clients.revoked.empty()) refuse_revoked(raw, policy.clients.revoked);
  }
  ::SSL_CTX_set_verify(raw, verify_mode(policy.clients.ask), nullptr);
  ::SSL_CTX_set_verify_depth(raw, policy.clients.depth);
  // A session of another policy is refused here too, should its ticket ever open.
  ::SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>(policy.digest.data()),
                                   static_cast<unsigned>(policy.digest.size()));
  ::SSL_CTX_set_tlsext_ticket_key_evp_cb(raw, on_ticket);
  ::SSL_CTX_set_session_ticket_cb(raw, nullptr, on_resumption, nullptr);
  ::SSL_CTX_set_alpn_select_cb(raw, on_alpn, nullptr);
  ::SSL_CTX_set_tlsext_status_cb(raw, on_status);
  ::SSL_CTX_set_client_hello_cb(raw, on_client_hello, nullptr);
  return context;
}

std::unique_ptr<TlsSession> TlsServer::accept(int socket) const {
  SslPtr ssl(::SSL_new(sites_.front().context.get()));
  if (!ssl) throw std::bad_alloc();
  auto handshake = std::make_shared<Handshake>(shared_from_this(), ssl.get());
  if (::SSL_set_ex_data(ssl.get(), handshake_index(), handshake.get()) != 1) throw std::bad_alloc();
  ::SSL_set_accept_state(ssl.get());
  return std::make_unique<TlsSession>(std::move(ssl), socket, std::move(handshake));
}

bool TlsServer::fits(const TlsSession& session, std::string_view host) const {
  const auto& applied = facts_of(session.ssl());
  return applied.scope == policies_[policy_names_.find_within(host).value_or(0)].digest;
}

SSL_CTX* TlsServer::choose(std::string_view name) const {
  if (const auto site = site_names_.find(name)) return sites_[*site].context.get();
  const auto policy = policy_names_.find_within(name);
  if (!policy && settings_.refuse_unknown) return nullptr;
  return sites_[fallback_sites_[policy.value_or(0)]].context.get();
}

// Before anything else of the hello is looked at, its ticket above all: what a later callback would change
// comes too late for a resumed session (CVE-2025-23419).
int TlsServer::on_client_hello(SSL* ssl, int* alert, void*) {
  auto* const found = static_cast<Handshake*>(::SSL_get_ex_data(ssl, handshake_index()));
  if (found == nullptr) {  // a second hello, which SSL_OP_NO_RENEGOTIATION refuses before this
    *alert = SSL_AD_NO_RENEGOTIATION;
    return SSL_CLIENT_HELLO_ERROR;
  }
  auto& handshake = *found;
  // After a HelloRetryRequest this is the second hello, which need not name what the first one did.
  handshake.name.clear();
  const unsigned char* extension = nullptr;
  std::size_t size = 0;
  if (::SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &size) == 1)
    handshake.name = parse_server_name({extension, size}).value_or("");
  auto* const context = handshake.server->choose(handshake.name);
  if (context == nullptr) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  // SSL_set_SSL_CTX changes certificates and CAs only.
  ::SSL_set_SSL_CTX(ssl, context);
  ::SSL_set_verify(ssl, ::SSL_CTX_get_verify_mode(context), nullptr);
  ::SSL_set_verify_depth(ssl, ::SSL_CTX_get_verify_depth(context));
  const auto& scope = facts_of(ssl).scope;
  ::SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(scope.data()),
                               static_cast<unsigned>(scope.size()));
  return SSL_CLIENT_HELLO_SUCCESS;
}

// A resumed session is not verified anew: its client's certificate may have expired since, and each
// resumption would go on for the life of another ticket. NOLINTNEXTLINE(readability-function-size)
SSL_TICKET_RETURN TlsServer::on_resumption(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                                           SSL_TICKET_STATUS status, void*) {
  if (status == SSL_TICKET_FATAL_ERR_MALLOC || status == SSL_TICKET_FATAL_ERR_OTHER)
    return SSL_TICKET_RETURN_ABORT;
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  const auto* const client = ::SSL_SESSION_get0_peer(session);
  if (client != nullptr && ::X509_cmp_current_time(::X509_get0_notAfter(client)) <= 0)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

// NOLINTNEXTLINE(readability-function-size)
int TlsServer::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, int seals) {
  const auto* const handshake = static_cast<const Handshake*>(::SSL_get_ex_data(ssl, handshake_index()));
  if (handshake == nullptr) return 0;
  const auto scope = facts_of(ssl).scope + handshake->name;
  auto& keys = *handshake->server->keys_;
  const auto now = TicketKeys::Clock::now();
  TicketKey key;
  bool newest = true;
  if (seals != 0) {
    key = keys.sealing(scope, now);
    if (::RAND_bytes(iv, ::EVP_CIPHER_get_iv_length(::EVP_aes_256_cbc())) != 1) return -1;
    std::copy(key.name.begin(), key.name.end(), name);
  } else {
    const auto found = keys.opening({name, key.name.size()}, scope, now);
    if (!found) return 0;
    key = found->key;
    newest = found->newest;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      ::OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.digest.data(), key.digest.size()),
      ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), ::OSSL_PARAM_construct_end()};
  if (::EVP_MAC_CTX_set_params(mac, parameters) != 1) return -1;
  if (::EVP_CipherInit_ex2(cipher, ::EVP_aes_256_cbc(), key.cipher.data(), iv, seals != 0 ? 1 : 0, nullptr) !=
      1)
    return -1;
  return newest ? 1 : 2;  // 2: opened, and to be sealed anew
}

// NOLINTNEXTLINE(readability-function-size)
int TlsServer::on_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                       unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int found =
      ::SSL_select_next_proto(&chosen, size, kProtocols, sizeof kProtocols - 1, offered, offered_size);
  *out = chosen;
  // RFC 7301 3.2: no common protocol ends the handshake.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int TlsServer::on_status(SSL* ssl, void*) {
  const auto* const leaf = ::SSL_get_certificate(ssl);
  for (const auto& [certificate, staple] : facts_of(ssl).staples) {
    if (certificate != leaf) continue;
    const auto response = staple->at(std::chrono::system_clock::now());
    if (!response) break;
    const auto& der = response->der;
    auto* const copy = ::OPENSSL_memdup(der.data(), der.size());
    if (copy == nullptr) break;
    ::SSL_set_tlsext_status_ocsp_resp(ssl, static_cast<unsigned char*>(copy), static_cast<long>(der.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace tidegate::net
