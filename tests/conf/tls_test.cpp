// `tls` of a listener as it is written.
#include "tests/conf/reading.hpp"

using namespace tidegate::conf;

namespace {

const std::string kFiles = "certificate: a.pem, key: a.key";

std::string listening(const std::string& tls) {
  return "listeners: [{address: ':443', tls: {" + tls + "}}]\nupstreams: {a: {endpoints: ['127.0.0.1:1']}}\n";
}

// The first certificate's staple.
OcspStaple staple_of(const std::string& tls) {
  return config_of(listening(tls)).listeners.at(0).tls.value().certificates.at(0).staple;
}

}  // namespace

TEST_CASE("an OCSP response is off, in a file, or fetched") {
  CHECK(staple_of(kFiles).file.empty());
  CHECK_FALSE(staple_of(kFiles).fetch);
  CHECK_FALSE(staple_of(kFiles + ", ocspStaple: off").fetch);
  CHECK(staple_of(kFiles + ", ocspStaple: a.der").file == "a.der");
  CHECK(staple_of(kFiles + ", ocspStaple: ./fetch").file == "./fetch");
  CHECK(staple_of(kFiles + ", ocspStaple: fetch").fetch);
  CHECK(staple_of(kFiles + ", ocspStaple: \"fetch\"").fetch);
  CHECK(staple_of(kFiles + ", ocspStaple: fetch").file.empty());
  const auto directed =
      staple_of("certificates: [{" + kFiles + ", ocspStaple: {responder: 'http://a/b', issuer: ca.pem}}]");
  CHECK(directed.fetch);
  CHECK(directed.responder == "http://a/b");
  CHECK(directed.issuer == "ca.pem");
}

TEST_CASE("CA certificates for clients want to be told what they are for") {
  const auto errors = [](const std::string& keys) {
    return errors_of(listening(kFiles + ", clientCertificates: {" + keys + "}"));
  };
  CHECK(errors("ca: a.pem") == "t.yaml:1:89: listeners[0].tls.clientCertificates: `mode` is missing\n");
  CHECK(errors("mode: off, ca: a.pem").empty());
  CHECK(errors("mode: optional, ca: a.pem").empty());
}

TEST_CASE("faults of `ocspStaple`") {
  CHECK(errors_of(listening(kFiles + ", ocspStaple: {responder: 'https://a/b'}")) ==
        "t.yaml:1:93: listeners[0].tls.ocspStaple.responder: `https://a/b` cannot be asked: write "
        "`http://HOST/PATH` (answers are signed, not hidden)\n");
  CHECK(errors_of(listening("certificates: [{" + kFiles + "}], ocspStaple: fetch"))
            .find("ocspStaple has a meaning only beside `certificate`") != std::string::npos);
  CHECK(errors_of(listening(kFiles + ", ocspStaple: fech")) ==
        "t.yaml:1:81: listeners[0].tls.ocspStaple: expected off, fetch, a map or a file with an OCSP "
        "response, found `fech`; did you mean `fetch`? A file of that name is `./fech`\n");
  CHECK(errors_of(listening(kFiles + ", ocspStaple: on")).find("found `on`; did you mean `fetch`?") !=
        std::string::npos);
  CHECK(staple_of(kFiles + ", ocspStaple: ./fech").file == "./fech");
  CHECK(errors_of(listening(kFiles + ", ocspStaple: [fetch]")).find("listeners[0].tls.ocspStaple: ") !=
        std::string::npos);
  // `certificates` is no misspelt `certificate`.
  CHECK(errors_of(listening("certificates: [{" + kFiles + "}], key: b.key"))
            .find("key has a meaning only beside `certificate`") != std::string::npos);
}
