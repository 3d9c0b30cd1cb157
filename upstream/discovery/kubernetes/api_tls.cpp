#include "upstream/discovery/kubernetes/api_tls.hpp"

#include <new>

#include <boost/asio/ssl/context.hpp>

#include "wire/net/tls_client.hpp"
#include "wire/net/tls_context.hpp"

namespace tidegate::upstream {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

boost::asio::const_buffer bytes(const std::string& text) {
  return boost::asio::buffer(text);
}

// What of `access` cannot be used; empty: everything can.
std::string load(ssl::context& context, const ApiAccess& access) {
  error_code failed;
  if (access.authorities.empty()) {
    context.set_default_verify_paths(failed);
    if (failed) return "the system's CA certificates cannot be loaded; name a certificate-authority";
  } else {
    context.add_certificate_authority(bytes(access.authorities), failed);
    if (failed) return access.authorities_file + " holds no PEM certificates of authorities that can be read";
  }
  if (access.certificate.empty()) return {};
  context.use_certificate_chain(bytes(access.certificate), failed);
  if (failed) return "the client-certificate is no PEM certificate that can be read";
  // Without an answer OpenSSL would ask for the passphrase at the terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); },
                                failed);
  context.use_private_key(bytes(access.key), ssl::context::pem, failed);
  if (failed)
    return "the client-key is no PEM key without a passphrase, or not that of the client-certificate";
  return {};
}

}  // namespace

conf::Parsed<net::SslPtr> make_session(const ApiAccess& access) {
  ssl::context context(net::make_context(::TLS_client_method(), {}).release());
  const auto fault = load(context, access);
  if (!fault.empty()) return {boost::system::in_place_error, conf::Unreadable{fault}};
  net::SslPtr session(::SSL_new(context.native_handle()));
  if (!session) throw std::bad_alloc();
  ::SSL_set_verify(session.get(), access.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  net::expect_peer(session.get(), access.server_name.empty() ? access.host : access.server_name);
  ::SSL_set_connect_state(session.get());
  return {boost::system::in_place_value, std::move(session)};
}

}  // namespace tidegate::upstream
