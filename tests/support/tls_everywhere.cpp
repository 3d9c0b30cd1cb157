#include "tests/support/tls_everywhere.hpp"

#include <cstdlib>

#include "tests/support/certificates.hpp"
#include "wire/net/tls_context.hpp"

namespace tidegate::test {
namespace {

struct Identity {
  Authority authority;
  Issued issued = authority.issue();
};

const Identity& identity() {
  static const Identity made;
  return made;
}

}  // namespace

bool tls_everywhere() {
  static const bool asked = std::getenv("TIDEGATE_TEST_TLS") != nullptr;
  return asked;
}

void add_certificates(conf::Config& config) {
  for (auto& listener : config.listeners) {
    if (listener.tls || listener.redirect_to_tls) continue;
    conf::ServerCertificate certificate;
    certificate.files.certificate = identity().issued.certificate;
    certificate.files.key = identity().issued.key;
    listener.tls.emplace().certificates.push_back(std::move(certificate));
  }
}

net::SslPtr client_session() {
  static const auto context = [] {
    auto made = net::make_context(::TLS_client_method(), {});
    net::trust_authorities(made.get(), identity().authority.file());
    ::SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
    return made;
  }();
  net::SslPtr ssl(::SSL_new(context.get()));
  ::SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace tidegate::test
