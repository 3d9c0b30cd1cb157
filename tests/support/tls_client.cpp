#include "tests/support/tls_client.hpp"

#include "tests/support/patience.hpp"

namespace tidegate::test {
namespace {

int keep_ticket(SSL* ssl, SSL_SESSION* session) {
  auto* const kept = static_cast<SslSessionPtr*>(SSL_CTX_get_app_data(::SSL_get_SSL_CTX(ssl)));
  kept->reset(session);
  return 1;  // the reference is ours now
}

net::Certificate load(const Issued& issued) {
  return net::load_certificate({issued.certificate, issued.key, {}}, std::chrono::system_clock::now());
}

}  // namespace

TlsClientSide::TlsClientSide(const Authority& trusted)
    : context_(net::make_context(::TLS_client_method(), {})), ticket_(std::make_shared<SslSessionPtr>()) {
  auto* const raw = context_.get();
  net::trust_authorities(raw, trusted.file());
  ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  ::SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(raw, ticket_.get());
  ::SSL_CTX_sess_set_new_cb(raw, keep_ticket);
}

TlsClientSide& TlsClientSide::name(std::string server_name) {
  name_ = std::move(server_name);
  return *this;
}

TlsClientSide& TlsClientSide::versions(int oldest, int newest) {
  // OpenSSL's default level refuses what is older than TLS 1.2.
  if (oldest < TLS1_2_VERSION) ::SSL_CTX_set_cipher_list(context_.get(), "DEFAULT@SECLEVEL=0");
  ::SSL_CTX_set_min_proto_version(context_.get(), oldest);
  ::SSL_CTX_set_max_proto_version(context_.get(), newest);
  return *this;
}

TlsClientSide& TlsClientSide::alpn(const std::string& protocols) {
  ::SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
  return *this;
}

TlsClientSide& TlsClientSide::signatures(const std::string& list) {
  if (SSL_CTX_set1_sigalgs_list(context_.get(), list.c_str()) != 1) throw Unexpected("signatures: " + list);
  return *this;
}

TlsClientSide& TlsClientSide::show(const Issued& certificate) {
  net::use_certificate(context_.get(), load(certificate));
  return *this;
}

TlsClientSide& TlsClientSide::resume(SSL_SESSION* session) {
  resumed_ = session;
  return *this;
}

TlsClientSide& TlsClientSide::ask_for_staple() {
  staple_ = true;
  return *this;
}

net::SslPtr TlsClientSide::session() const {
  net::SslPtr ssl(::SSL_new(context_.get()));
  if (!name_.empty()) ::SSL_set_tlsext_host_name(ssl.get(), name_.c_str());
  if (resumed_ != nullptr) {
    // A copy: OpenSSL uses a session of TLS 1.3 once only.
    const SslSessionPtr copy(::SSL_SESSION_dup(resumed_));
    ::SSL_set_session(ssl.get(), copy.get());
  }
  if (staple_) ::SSL_set_tlsext_status_type(ssl.get(), TLSEXT_STATUSTYPE_ocsp);
  ::SSL_set_connect_state(ssl.get());
  return ssl;
}

SslSessionPtr TlsClientSide::ticket() const {
  return std::move(*ticket_);
}

std::string peer_name(SSL* ssl) {
  const net::X509Ptr certificate(::SSL_get1_peer_certificate(ssl));
  if (!certificate) return {};
  char name[256] = "";
  ::X509_NAME_get_text_by_NID(::X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
  return name;
}

net::SslPtr server_session(const Issued& certificate) {
  const auto context = net::make_context(::TLS_server_method(), {});
  net::use_certificate(context.get(), load(certificate));
  net::SslPtr ssl(::SSL_new(context.get()));
  ::SSL_set_accept_state(ssl.get());
  return ssl;
}

}  // namespace tidegate::test
