#include "wire/net/ocsp.hpp"

#include <functional>

#include <openssl/ocsp.h>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "wire/net/tls_error.hpp"

using namespace tidegate;
using namespace tidegate::net;
using namespace tidegate::test;
using namespace std::chrono_literals;

namespace {

const WallTime kNow = std::chrono::system_clock::now();
const std::string kUrl = "http://127.0.0.1:1/ocsp";

Certificate load(const Issued& issued) {
  return load_certificate({issued.certificate, issued.key, {}}, kNow);
}

std::string fault_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const TlsFault& fault) {
    return fault.file() + ": " + fault.what();
  }
  return {};
}

// The fault that asking for this certificate ends with; empty: none.
std::string fault_of(const Issued& issued, const OcspDirections& directions = {}) {
  return fault_of([&] { (void)make_ocsp_inquiry(load(issued), directions); });
}

bool begins(const std::string& text, const std::string& beginning) {
  CAPTURE(text, beginning);
  return text.starts_with(beginning);
}

// A response that says only this, unsigned (RFC 6960 4.2.1).
std::string status_only(int status) {
  return std::string("\x30\x03\x0a\x01", 4) + static_cast<char>(status);
}

struct Asked {
  Authority ca;
  Issued issued = ca.issue({.names = {"a.test"}, .responder = kUrl, .chained = true});
  OcspInquiry inquiry = make_ocsp_inquiry(load(issued), {});

  [[nodiscard]] std::string say(Saying saying = {}) {
    saying.now = kNow;
    return ca.say(issued, saying);
  }
  [[nodiscard]] auto judge(const std::string& der) const { return judge_ocsp_answer(inquiry, der, kNow); }
  [[nodiscard]] std::string refusal(const std::string& der, OcspFault fault) const {
    const auto judged = judge(der);
    REQUIRE(judged.has_error());
    CAPTURE(judged.error().why);
    CHECK(judged.error().fault == fault);
    return judged.error().why;
  }
};

}  // namespace

TEST_CASE("the question is made of the certificate and its issuer") {
  Authority ca;
  const auto issued = ca.issue({.responder = "http://ocsp.test/a/b?c", .chained = true});
  const auto inquiry = make_ocsp_inquiry(load(issued), {});
  CHECK(inquiry.responder.url == "http://ocsp.test/a/b?c");
  CHECK(inquiry.responder.host == "ocsp.test");
  CHECK(inquiry.responder.port == 80);
  CHECK(inquiry.responder.target == "/a/b?c");
  CHECK(inquiry.request == make_ocsp_inquiry(load(issued), {}).request);
  CHECK(inquiry.request !=
        make_ocsp_inquiry(load(ca.issue({.responder = kUrl, .chained = true})), {}).request);
  CHECK(inquiry.request.size() < 255);  // RFC 5019 5: one that may be asked by GET would fit too
  const auto directed = make_ocsp_inquiry(load(issued), {"http://[::1]:8080", ca.file()});
  CHECK(directed.responder.host == "::1");
  CHECK(directed.responder.port == 8080);
  CHECK(directed.responder.target == "/");
}

TEST_CASE("what lacks for a question is named with its file") {
  Authority ca;
  Authority other("another");
  const auto alone = ca.issue({.responder = kUrl});
  CHECK(begins(fault_of(alone), alone.certificate + ": the certificate of the CA that issued it is not"));
  CHECK(fault_of(alone, {{}, ca.file()}).empty());
  CHECK(begins(fault_of(alone, {{}, other.file()}), other.file() + ": holds no certificate that the one in"));
  CHECK(begins(fault_of(alone, {{}, "/none"}), "/none: cannot be read"));
  const auto silent = ca.issue({.chained = true});
  CHECK(begins(fault_of(silent), silent.certificate + ": the certificate names no OCSP responder"));
  CHECK(fault_of(silent, {kUrl, {}}).empty());
  const auto secure = ca.issue({.responder = "https://ocsp.test/", .chained = true});
  CHECK(
      begins(fault_of(secure), secure.certificate + ": the certificate's OCSP responder https://ocsp.test/"));
  for (const auto* url :
       {"http://", "http://:80/", "http://a:99999/", "http://a b/", "http://a/\r\nX: y", "ftp://a/"}) {
    CAPTURE(url);
    CHECK(begins(fault_of(silent, {url, {}}), silent.certificate + ": the OCSP responder `"));
  }
}

TEST_CASE("an authority of the same name is not the issuer") {
  Authority ca;
  Authority impostor;  // of the same name, with another key
  const auto issued = ca.issue({.responder = kUrl});
  CHECK(begins(fault_of(issued, {{}, impostor.file()}), impostor.file() + ": holds no certificate"));
}

TEST_CASE("RFC 6960 3.2: a response is taken if it is good, signed and of now") {
  Asked t;
  const auto day = t.judge(t.say());
  REQUIRE(day.has_value());
  CHECK(day->expires - kNow > 23h);
  CHECK(day->made < kNow);
  CHECK(t.judge(t.say({.from = 4min})).has_value());  // its clock is ahead a little
  const auto endless = t.judge(t.say({.to = std::nullopt}));
  REQUIRE(endless.has_value());
  CHECK(endless->expires == kNow + 12h);
}

TEST_CASE("whom the CA has appointed may sign, and nobody else") {
  Asked t;
  const auto appointed = t.ca.issue({.names = {"responder"}, .usage = "OCSPSigning"});
  CHECK(t.judge(t.say({.signer = &appointed})).has_value());
  const auto server = t.ca.issue({.names = {"server"}, .usage = "serverAuth"});
  (void)t.refusal(t.say({.signer = &server}), OcspFault::unverified);
  const auto expired = t.ca.issue({.days_from = -9, .days_to = -8, .usage = "OCSPSigning"});
  (void)t.refusal(t.say({.signer = &expired}), OcspFault::unverified);
  Authority other("another");
  const auto stranger = other.issue({.names = {"responder"}, .usage = "OCSPSigning"});
  (void)t.refusal(t.say({.signer = &stranger}), OcspFault::unverified);
  Authority impostor;  // of the same name, with another key
  (void)t.refusal(impostor.say(t.issued), OcspFault::unverified);
}

TEST_CASE("what is not taken, and why") {
  Asked t;
  const auto good = t.say();
  CHECK(t.refusal(t.say({.status = V_OCSP_CERTSTATUS_REVOKED}), OcspFault::revoked)
            .find("REVOKED this certificate on 20") != std::string::npos);
  CHECK(t.refusal(t.say({.status = V_OCSP_CERTSTATUS_REVOKED}), OcspFault::revoked)
            .ends_with("(keyCompromise)"));
  (void)t.refusal(t.say({.status = V_OCSP_CERTSTATUS_UNKNOWN}), OcspFault::unknown);
  CHECK(begins(t.refusal(t.say({.to = -1s}), OcspFault::not_current), "the answer expired on "));
  (void)t.refusal(t.say({.from = 6min}), OcspFault::not_current);
  const auto other = t.ca.issue();
  CHECK(t.refusal(t.ca.say(other), OcspFault::unverified) == "the answer is about another certificate");
  CHECK(t.refusal(status_only(OCSP_RESPONSE_STATUS_TRYLATER), OcspFault::refused) ==
        "the responder says: trylater");
  CHECK(t.refusal(status_only(OCSP_RESPONSE_STATUS_UNAUTHORIZED), OcspFault::refused) ==
        "the responder says: unauthorized");
  (void)t.refusal(status_only(OCSP_RESPONSE_STATUS_SUCCESSFUL), OcspFault::malformed);
  for (const auto& text : {std::string(), std::string("<html>"), std::string(5000, '\x30'), good + "x",
                           good.substr(0, good.size() - 1)}) {
    (void)t.refusal(text, OcspFault::malformed);
  }
}

TEST_CASE("no response that was changed on its way is taken") {
  Asked t;
  const auto good = t.say();
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto judged = t.judge(changed);
    // What is not signed over may differ: the parameters of algorithms, say.
    if (judged.has_value()) CHECK(judged->expires - kNow > 23h);
  }
}

TEST_CASE("a response in a file is judged like one that was fetched") {
  Asked t;
  const auto certificate = load(t.issued);
  const auto file = [&t](const std::string& der) { return t.ca.write("staple.der", der); };
  const auto fault = [&](const std::string& der) {
    return fault_of([&] { (void)read_ocsp_response(file(der), certificate, kNow); });
  };
  CHECK(fault(t.say()).empty());
  CHECK(fault(t.say({.to = std::nullopt})).empty());
  const auto begin = file("") + ": cannot be sent along with " + t.issued.certificate + ": ";
  CHECK(begins(fault(t.ca.say(t.ca.issue())), begin + "the answer is about another certificate; fetch it"));
  CHECK(begins(fault(t.say({.status = V_OCSP_CERTSTATUS_REVOKED})), begin + "the CA has REVOKED"));
  CHECK(begins(fault(t.say({.status = V_OCSP_CERTSTATUS_UNKNOWN})), begin + "the responder does not know"));
  CHECK(begins(fault(t.say({.from = 6min})), begin + "the answer is from the future"));
  const auto stranger = t.ca.issue();
  CHECK(begins(fault(t.say({.signer = &stranger})), begin + "the answer's signature is not that of the CA"));
  CHECK(begins(fault("hello"), file("") + ": is no successful OCSP response"));

  // Expired is no reason not to start, revoked is at any time.
  const auto expired = read_ocsp_response(file(t.say({.to = -1s})), certificate, kNow);
  CHECK(expired.expires <= kNow);
  CHECK(begins(fault(t.say({.status = V_OCSP_CERTSTATUS_REVOKED, .to = -1s})), begin + "the CA has REVOKED"));
}

TEST_CASE("a response in a file needs the issuer of its certificate") {
  Authority ca;
  const auto alone = ca.issue();
  const auto staple = ca.staple(alone);
  CHECK(fault_of([&] { (void)read_ocsp_response(staple, load(alone), kNow); }) ==
        staple + ": cannot be verified: the certificate of the CA that issued " + alone.certificate +
            " is not in that file: append it there");
}

TEST_CASE("RFC 7633: a certificate says that it goes with a staple") {
  Authority ca;
  CHECK(must_staple(load(ca.issue({.must_staple = true}))));
  CHECK_FALSE(must_staple(load(ca.issue())));
}

TEST_CASE("RFC 5280 4.1.2.5: the year 9999 is later than now") {
  ASN1_TIME* const time = ::ASN1_TIME_new();
  REQUIRE(::ASN1_TIME_set_string(time, "99991231235959Z") == 1);
  CHECK(time_of(time) > kNow + std::chrono::hours(24 * 365 * 100));
  ::ASN1_TIME_free(time);
}
