// What a CA says about a certificate at this moment: the question to its responder, and the judgement of the
// answer (RFC 6960, in the profile of RFC 5019). Pure: who carries the bytes is no matter of this file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "wire/net/tls_certificate.hpp"

namespace tidegate::net {

// Where to ask, taken from `http://host:port/target`.
struct OcspResponder {
  std::string url;   // as it was written
  std::string host;  // name or address, without brackets
  std::uint16_t port = 80;
  std::string target;  // begins with `/`
};

// The question for one certificate, with all that is needed to judge its answer. Immutable once made.
struct OcspInquiry {
  std::string file;  // of the certificate, for people
  X509Ptr leaf;
  X509Ptr issuer;
  OcspResponder responder;
  std::string request;  // DER; the same for the same certificate
  bool must_staple = false;
};

// How to ask where the certificate does not say it, or says it wrongly.
struct OcspDirections {
  std::string responder;  // a URL; empty: of the certificate's authorityInfoAccess
  std::string issuer;     // a PEM file; empty: among the certificate's chain
};

// Throws TlsFault naming the file and the reason: no issuer, no responder, one that cannot be asked by http.
[[nodiscard]] OcspInquiry make_ocsp_inquiry(const Certificate& certificate, const OcspDirections& directions);

// A response that may be shown to clients.
struct OcspResponse {
  std::string der;
  WallTime made;     // thisUpdate
  WallTime expires;  // nextUpdate
};

// Why an answer is not shown.
enum class OcspFault : std::uint8_t {
  malformed,    // no response in DER
  refused,      // the responder says that it will not or cannot tell
  unverified,   // about another certificate, or not signed by its CA or whom that has appointed
  not_current,  // expired, or from the future
  revoked,
  unknown,  // the responder does not know the certificate
};

struct OcspRefusal {
  OcspFault fault;
  std::string why;  // for people
};

// Whether `der` says of the inquiry's certificate that it is good at `now`. Clocks may differ by five minutes
// at the beginning of its time. A response without nextUpdate is taken for twelve hours: RFC 6960 permits it,
// RFC 5019 does not.
[[nodiscard]] boost::system::result<OcspResponse, OcspRefusal> judge_ocsp_answer(const OcspInquiry& inquiry,
                                                                                 std::string_view der,
                                                                                 WallTime now);

// A response from a file, of which only the form and the times are looked at. Throws TlsFault.
[[nodiscard]] OcspResponse read_ocsp_response(const std::string& file);

// The same, judged as one that was fetched for this certificate, whose issuer lies in its chain. One that has
// expired is judged as of its own time and returned: it was right once, and is not to keep a start from
// happening. Throws TlsFault naming the file.
[[nodiscard]] OcspResponse read_ocsp_response(const std::string& file, const Certificate& certificate,
                                              WallTime now);

// Whether clients are to refuse this certificate without a staple (RFC 7633).
[[nodiscard]] bool must_staple(const Certificate& certificate);

}  // namespace tidegate::net
