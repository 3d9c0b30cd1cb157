#include "wire/net/ocsp.hpp"

#include <algorithm>
#include <new>
#include <optional>

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "wire/net/tls_error.hpp"

namespace tidegate::net {
namespace {

constexpr std::chrono::minutes kSkew{5};
constexpr std::chrono::hours kWithoutEnd{12};
constexpr long kStatusRequest = 5;  // RFC 6066 8

// === OpenSSL's objects ===

template <auto Free>
struct Freed {
  void operator()(auto* object) const { Free(object); }
};
using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Freed<::OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Freed<::OCSP_BASICRESP_free>>;
using RequestPtr = std::unique_ptr<OCSP_REQUEST, Freed<::OCSP_REQUEST_free>>;
using IdPtr = std::unique_ptr<OCSP_CERTID, Freed<::OCSP_CERTID_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<::X509_STORE_free>>;

void free_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);
}
using BorrowedStack = std::unique_ptr<STACK_OF(X509), Freed<free_stack>>;

// Text that OpenSSL has allocated.
struct OwnedText {
  OwnedText() = default;
  OwnedText(const OwnedText&) = delete;
  OwnedText& operator=(const OwnedText&) = delete;
  ~OwnedText() { OPENSSL_free(text); }
  [[nodiscard]] std::string str() const { return text != nullptr ? text : ""; }
  char* text = nullptr;
};

X509Ptr shared(X509* certificate) {
  ::X509_up_ref(certificate);
  return X509Ptr(certificate);
}

// === the question ===

bool issued(X509* issuer, X509* leaf) {
  const bool by_name = ::X509_check_issued(issuer, leaf) == X509_V_OK;
  const bool good = by_name && ::X509_verify(leaf, ::X509_get0_pubkey(issuer)) == 1;
  ::ERR_clear_error();
  return good;
}

X509Ptr issuer_in(const std::string& file, X509* leaf) {
  const auto text = read_pem_file(file);
  const std::unique_ptr<BIO, Freed<::BIO_free>> bio(
      ::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  while (auto* const next = ::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509Ptr certificate(next);
    if (issued(next, leaf)) return certificate;
  }
  ::ERR_clear_error();
  return nullptr;
}

// Of its chain; null if it is not there.
X509Ptr issuer_among(const Certificate& certificate) {
  for (const auto& candidate : certificate.chain) {
    if (issued(candidate.get(), certificate.leaf.get())) return shared(candidate.get());
  }
  return nullptr;
}

X509Ptr find_issuer(const Certificate& certificate, const std::string& file) {
  auto* const leaf = certificate.leaf.get();
  if (!file.empty()) {
    auto found = issuer_in(file, leaf);
    if (found) return found;
    throw TlsFault(file, "holds no certificate that the one in " + certificate.files.certificate +
                             " was issued by: OCSP cannot be asked");
  }
  if (auto found = issuer_among(certificate)) return found;
  throw TlsFault(certificate.files.certificate,
                 "the certificate of the CA that issued it is not in this file, and OCSP cannot be asked "
                 "without: append it, or name its file in `ocspStaple: { issuer: FILE }`");
}

std::vector<std::string> responders_of(X509* leaf) {
  std::vector<std::string> urls;
  auto* const found = ::X509_get1_ocsp(leaf);
  const int count = std::max(sk_OPENSSL_STRING_num(found), 0);
  urls.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) urls.emplace_back(sk_OPENSSL_STRING_value(found, i));
  ::X509_email_free(found);
  return urls;
}

std::string find_responder(const Certificate& certificate) {
  const auto urls = responders_of(certificate.leaf.get());
  const auto& file = certificate.files.certificate;
  if (urls.empty()) {
    throw TlsFault(
        file,
        "the certificate names no OCSP responder (authorityInfoAccess), as those of CAs that offer "
        "none any more: remove `ocspStaple`, or name one in `ocspStaple: { responder: URL }`");
  }
  const auto by_http =
      std::find_if(urls.begin(), urls.end(), [](const auto& url) { return url.starts_with("http://"); });
  if (by_http != urls.end()) return *by_http;
  throw TlsFault(file,
                 "the certificate's OCSP responder " + urls.front() +
                     " cannot be asked, only http:// can: name another one in `ocspStaple: { responder: "
                     "URL }`");
}

// What could break out of a request's head.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

OcspResponder parse_responder(const std::string& url, const std::string& file) {
  OwnedText host;
  OwnedText path;
  OwnedText query;
  int port = 0;
  const bool parsed = is_plain(url) && url.starts_with("http://") &&
                      ::OSSL_HTTP_parse_url(url.c_str(), nullptr, nullptr, &host.text, nullptr, &port,
                                            &path.text, &query.text, nullptr) == 1;
  ::ERR_clear_error();
  auto name = host.str();
  if (name.starts_with('[')) name = name.substr(1, name.size() - 2);  // not all versions leave them
  if (!parsed || name.empty() || port < 1 || port > 65'535)
    throw TlsFault(file, "the OCSP responder `" + url + "` is no URL of the form http://HOST:PORT/PATH");
  OcspResponder responder{url, name, static_cast<std::uint16_t>(port), path.str()};
  if (!responder.target.starts_with('/')) responder.target.insert(0, "/");
  if (!query.str().empty()) responder.target += "?" + query.str();
  return responder;
}

IdPtr id_of(const OcspInquiry& inquiry, const EVP_MD* digest) {
  return IdPtr(::OCSP_cert_to_id(digest, inquiry.leaf.get(), inquiry.issuer.get()));
}

std::string make_request(const OcspInquiry& inquiry) {
  const RequestPtr request(::OCSP_REQUEST_new());
  auto id = id_of(inquiry, ::EVP_sha1());  // which is not relied on here: RFC 5019 2.1.1
  if (!request || !id || ::OCSP_request_add0_id(request.get(), id.get()) == nullptr) throw std::bad_alloc();
  (void)id.release();
  unsigned char* der = nullptr;
  const int size = ::i2d_OCSP_REQUEST(request.get(), &der);
  if (size < 0) throw std::bad_alloc();
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

// === the answer ===

OcspRefusal refusal(OcspFault fault, std::string why) {
  ::ERR_clear_error();
  return {fault, std::move(why)};
}

std::string last_reason() {
  const char* const why = ::ERR_reason_error_string(::ERR_peek_last_error());
  return why != nullptr ? why : "no reason given";
}

ResponsePtr parse_response(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = bytes + der.size();
  ResponsePtr response(::d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
  ::ERR_clear_error();
  if (bytes != end) response.reset();
  return response;
}

// Signed by the issuer itself, or by whom a certificate of the issuer's appoints for that (RFC 6960 4.2.2.2).
// The issuer is believed as it is: its own chain is the clients' affair.
bool verifies(OCSP_BASICRESP* basic, X509* issuer, WallTime now) {
  const StorePtr store(::X509_STORE_new());
  const BorrowedStack known(sk_X509_new_null());
  if (!store || !known || sk_X509_push(known.get(), issuer) == 0) return false;
  if (::X509_STORE_add_cert(store.get(), issuer) != 1) return false;
  ::X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  ::X509_VERIFY_PARAM_set_time(::X509_STORE_get0_param(store.get()),
                               std::chrono::system_clock::to_time_t(now));
  return ::OCSP_basic_verify(basic, known.get(), store.get(), 0) == 1;
}

// What a response says of one certificate.
struct Statement {
  int status = V_OCSP_CERTSTATUS_UNKNOWN;
  int reason = OCSP_REVOKED_STATUS_NOSTATUS;
  std::optional<WallTime> revoked;
  std::optional<WallTime> made;
  std::optional<WallTime> expires;
};

std::optional<WallTime> optional_time(const ASN1_GENERALIZEDTIME* time) {
  if (time == nullptr) return std::nullopt;
  return time_of(time);
}

// Whether a response speaks of the certificate, with whatever digests it names it.
bool is_about(const OCSP_SINGLERESP* single, const OcspInquiry& inquiry) {
  const IdPtr named(::OCSP_CERTID_dup(::OCSP_SINGLERESP_get0_id(single)));
  ASN1_OBJECT* algorithm = nullptr;
  if (!named || ::OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, named.get()) != 1) return false;
  const auto* const digest = ::EVP_get_digestbyobj(algorithm);
  const auto wanted = digest != nullptr ? id_of(inquiry, digest) : nullptr;
  return wanted && ::OCSP_id_cmp(wanted.get(), named.get()) == 0;
}

std::optional<Statement> statement_of(OCSP_BASICRESP* basic, const OcspInquiry& inquiry) {
  OCSP_SINGLERESP* single = nullptr;
  for (int i = 0; i < ::OCSP_resp_count(basic) && single == nullptr; ++i) {
    auto* const next = ::OCSP_resp_get0(basic, i);
    if (is_about(next, inquiry)) single = next;
  }
  ::ERR_clear_error();
  if (single == nullptr) return std::nullopt;
  Statement statement;
  ASN1_GENERALIZEDTIME* revoked = nullptr;
  ASN1_GENERALIZEDTIME* made = nullptr;
  ASN1_GENERALIZEDTIME* expires = nullptr;
  statement.status = ::OCSP_single_get0_status(single, &statement.reason, &revoked, &made, &expires);
  statement.revoked = optional_time(revoked);
  statement.made = optional_time(made);
  statement.expires = optional_time(expires);
  return statement;
}

std::string revocation_of(const Statement& statement) {
  std::string text = "the CA has REVOKED this certificate";
  if (statement.revoked) text += " on " + day_of(*statement.revoked);
  if (statement.reason >= 0) text += std::string(" (") + ::OCSP_crl_reason_str(statement.reason) + ")";
  return text;
}

// Nothing if it is good now.
std::optional<OcspRefusal> refusal_of(const Statement& statement, WallTime now) {
  if (!statement.made || *statement.made > now + kSkew)
    return refusal(OcspFault::not_current, "the answer is from the future: " +
                                               (statement.made ? day_of(*statement.made) : "no time in it"));
  if (statement.expires && (*statement.expires <= now || *statement.expires < *statement.made))
    return refusal(OcspFault::not_current, "the answer expired on " + day_of(*statement.expires));
  if (statement.status == V_OCSP_CERTSTATUS_REVOKED)
    return refusal(OcspFault::revoked, revocation_of(statement));
  if (statement.status != V_OCSP_CERTSTATUS_GOOD)
    return refusal(OcspFault::unknown, "the responder does not know this certificate");
  return std::nullopt;
}

}  // namespace

OcspInquiry make_ocsp_inquiry(const Certificate& certificate, const OcspDirections& directions) {
  OcspInquiry inquiry;
  inquiry.file = certificate.files.certificate;
  inquiry.leaf = shared(certificate.leaf.get());
  const auto url = directions.responder.empty() ? find_responder(certificate) : directions.responder;
  inquiry.responder = parse_responder(url, inquiry.file);
  inquiry.issuer = find_issuer(certificate, directions.issuer);
  inquiry.request = make_request(inquiry);
  inquiry.must_staple = must_staple(certificate);
  return inquiry;
}

boost::system::result<OcspResponse, OcspRefusal> judge_ocsp_answer(const OcspInquiry& inquiry,
                                                                   std::string_view der, WallTime now) {
  const auto response = parse_response(der);
  if (!response)
    return refusal(OcspFault::malformed,
                   "the answer is no OCSP response (" + std::to_string(der.size()) + " bytes)");
  const int status = ::OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return refusal(OcspFault::refused,
                   std::string("the responder says: ") + ::OCSP_response_status_str(status));
  const BasicPtr basic(::OCSP_response_get1_basic(response.get()));
  if (!basic) return refusal(OcspFault::malformed, "the answer is of a kind that is not known");
  ::ERR_clear_error();
  if (!verifies(basic.get(), inquiry.issuer.get(), now))
    return refusal(OcspFault::unverified, "the answer's signature is not that of the CA: " + last_reason());
  const auto statement = statement_of(basic.get(), inquiry);
  if (!statement) return refusal(OcspFault::unverified, "the answer is about another certificate");
  if (auto found = refusal_of(*statement, now)) return *std::move(found);
  ::ERR_clear_error();
  return OcspResponse{std::string(der), *statement->made, statement->expires.value_or(now + kWithoutEnd)};
}

OcspResponse read_ocsp_response(const std::string& file) {
  auto text = read_pem_file(file);
  const auto response = parse_response(text);
  if (!response || ::OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    throw TlsFault(file, "is no successful OCSP response in DER (as `openssl ocsp -respout` writes it)");
  const BasicPtr basic(::OCSP_response_get1_basic(response.get()));
  ::ERR_clear_error();
  auto* const single = basic ? ::OCSP_resp_get0(basic.get(), 0) : nullptr;
  if (single == nullptr) throw TlsFault(file, "is an OCSP response that says nothing of any certificate");
  ASN1_GENERALIZEDTIME* made = nullptr;
  ASN1_GENERALIZEDTIME* expires = nullptr;
  (void)::OCSP_single_get0_status(single, nullptr, nullptr, &made, &expires);
  return {std::move(text), optional_time(made).value_or(WallTime()),
          optional_time(expires).value_or(WallTime::max())};
}

OcspResponse read_ocsp_response(const std::string& file, const Certificate& certificate, WallTime now) {
  auto response = read_ocsp_response(file);
  OcspInquiry inquiry;
  inquiry.leaf = shared(certificate.leaf.get());
  inquiry.issuer = issuer_among(certificate);
  const auto& named = certificate.files.certificate;
  if (!inquiry.issuer) {
    throw TlsFault(file, "cannot be verified: the certificate of the CA that issued " + named +
                             " is not in that file: append it there");
  }
  const auto judged = judge_ocsp_answer(inquiry, response.der, response.expires <= now ? response.made : now);
  if (!judged) {
    throw TlsFault(file, "cannot be sent along with " + named + ": " + judged.error().why +
                             "; fetch it anew (`openssl ocsp -respout`), or set `ocspStaple: fetch`");
  }
  response.made = judged->made;
  // Without an end it stays until the file changes.
  if (response.expires != WallTime::max()) response.expires = judged->expires;
  return response;
}

bool must_staple(const Certificate& certificate) {
  auto* const features =
      static_cast<TLS_FEATURE*>(::X509_get_ext_d2i(certificate.leaf.get(), NID_tlsfeature, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_ASN1_INTEGER_num(features); ++i)
    found = found || ::ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == kStatusRequest;
  sk_ASN1_INTEGER_pop_free(features, ::ASN1_INTEGER_free);
  return found;
}

}  // namespace tidegate::net
