#include <algorithm>
#include <array>
#include <optional>

#include "conf/describe.hpp"
#include "conf/spelling.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view file_form = "a file";
constexpr std::array<std::string_view, 2> versions{"1.2", "1.3"};

void describe_files(Fields& fields, CertificateFiles& files) {
  files.place = fields.place();
  fields.text({"certificate", "PEM file: the certificate, then those that lead to the CA."},
              files.certificate, file_form);
  fields.text({"key", "PEM file: its private key."}, files.key, file_form);
  fields.text({"passphraseFile", "File whose first line opens the key."}, files.passphrase_file, file_form);
  fields.only_with("key", "certificate");
  fields.only_with("passphraseFile", "key");
  if (fields.has("certificate")) fields.require("key");
}

void describe_names(Fields& fields, const Key& key, std::vector<std::string>& names) {
  fields.list(key, [&names] {
    Shapes shapes;
    shapes.form = "a server name such as `a.example.com` or `*.example.com`";
    shapes.take_text = [&names](const Scalar& scalar) {
      names.emplace_back(scalar.text);
      return std::string();
    };
    return shapes;
  });
}

// Answers are signed, so that asking by https would add nothing but a certificate with a staple of its own.
std::string take_responder(const Scalar& scalar, std::string& responder) {
  if (!scalar.text.starts_with("http://"))
    return quote(scalar.text) + " cannot be asked: write `http://HOST/PATH` (answers are signed, not hidden)";
  responder = scalar.text;
  return {};
}

constexpr std::array<std::string_view, 2> staple_words{"off", "fetch"};

// A fault if a bare word is nearly one of the words: a file has an ending or a folder.
std::string misspelt_word(std::string_view text) {
  constexpr std::array<std::string_view, 3> yes{"on", "yes", "true"};
  const bool affirmed = std::find(yes.begin(), yes.end(), text) != yes.end();
  const auto near = affirmed ? std::optional(staple_words[1]) : nearest(text, staple_words);
  if (!near || *near == text || text.find_first_of("./") != std::string_view::npos) return {};
  return "expected off, fetch, a map or a file with an OCSP response, found " + quote(text) +
         "; did you mean " + quote(*near) + "? A file of that name is " + quote("./" + std::string(text));
}

void describe_staple(Fields& fields, OcspStaple& staple) {
  Shapes shapes;
  shapes.words = {staple_words.begin(), staple_words.end()};
  shapes.take_word = [&staple](std::size_t word) { staple.fetch = word == 1; };
  shapes.form = "a file with an OCSP response (DER)";
  shapes.take_text = [&staple](const Scalar& scalar) {
    // In quotes, as JSON has all words: a file of that name is `./fetch`.
    staple.fetch = scalar.text == "fetch";
    if (!staple.fetch) staple.file = scalar.text;
    return misspelt_word(scalar.text);
  };
  shapes.take_object = [&staple](Fields& inner) {
    staple.fetch = true;
    const auto take = [&staple](const Scalar& scalar) { return take_responder(scalar, staple.responder); };
    inner.text({"responder", "Where to ask; default: the responder that the certificate names."}, "", take,
               "a URL that begins with `http://`");
    inner.text(
        {"issuer",
         "PEM file with the certificate of the CA that issued it; default: it stands in `certificate`, "
         "behind the first one."},
        staple.issuer, file_form);
  };
  fields.shaped(
      {"ocspStaple",
       "Proof for clients that the certificate is not revoked: a file with an OCSP response, `fetch` "
       "to ask the certificate's responder for it and keep it fresh, or a map to say how to ask."},
      shapes, "off");
}

void describe_certificate(Fields& fields, ServerCertificate& certificate) {
  describe_files(fields, certificate.files);
  describe_names(fields, {"names", "Server names it answers to; default: those it was issued for."},
                 certificate.names);
  describe_staple(fields, certificate.staple);
}

void describe_clients(Fields& fields, ClientCertificatePolicy& clients) {
  static constexpr std::array<std::string_view, 3> modes{"off", "optional", "required"};
  clients.place = fields.place();
  fields.choice({"mode", "Whether clients are asked for a certificate, and must show one."}, clients.mode,
                modes);
  fields.text({"ca", "PEM file: the CA certificates that clients' certificates must come from."}, clients.ca,
              file_form);
  fields.text({"crl", "PEM file: revocation lists of all these CAs."}, clients.crl, file_form);
  fields.integer({"depth", "CA certificates between a client's and the root."}, clients.depth, {0, 100});
  if (clients.mode != ClientCertificates::off) fields.require("ca");
  // Nobody would be asked, and nobody kept out.
  if (fields.has("ca") || fields.has("crl")) fields.require("mode");
}

Shapes certificate_shapes(std::vector<ServerCertificate>& certificates) {
  auto& certificate = certificates.emplace_back();
  Shapes shapes;
  shapes.take_object = [&certificate](Fields& inner) {
    describe_certificate(inner, certificate);
    inner.require("certificate");
  };
  return shapes;
}

Shapes host_shapes(std::vector<NamedClientCertificates>& hosts) {
  auto& host = hosts.emplace_back();
  Shapes shapes;
  shapes.take_object = [&host](Fields& inner) {
    describe_names(inner, {"names", "Server names, exact or `*.suffix`."}, host.names);
    inner.require("names");
    inner.object({"clientCertificates", "Certificates of clients for these names."},
                 [&host](Fields& clients) { describe_clients(clients, host.policy); });
    inner.require("clientCertificates");
  };
  return shapes;
}

void describe_hsts(Fields& fields, std::string& hsts) {
  const auto max_age = fields.take_duration(
      {"hsts",
       "Strict-Transport-Security: how long browsers are to come by https only (RFC 6797). "
       "For `includeSubDomains` or `preload` set the whole field in `responseHeaders` instead."},
      Duration::zero(), {Duration::zero(), std::chrono::hours(24 * 3650)});
  if (!max_age) return;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*max_age).count();
  hsts = "max-age=" + std::to_string(seconds);
}

}  // namespace

void describe_server_tls(Fields& fields, Listener& listener) {
  static constexpr std::array<std::string_view, 3> kinds{"certificate", "certificates", "redirect"};
  static constexpr std::array<std::string_view, 2> unknown{"firstCertificate", "refuse"};
  ServerTls tls;
  tls.place = fields.place();
  fields.flag({"redirect", "This listener is clear text: it answers with a 308 to https."},
              listener.redirect_to_tls);
  ServerCertificate single;
  describe_files(fields, single.files);
  describe_staple(fields, single.staple);
  fields.only_with("ocspStaple", "certificate");
  if (!single.files.certificate.empty()) tls.certificates.push_back(std::move(single));
  fields.list({"certificates", "Several, chosen by server name; of one name by type of key too."},
              [&tls] { return certificate_shapes(tls.certificates); });
  fields.require_one(kinds);
  fields.choice({"unknownName", "What a client gets that asks for a name no certificate is for."},
                tls.unknown_name, unknown);
  fields.choice({"minVersion", "Oldest version of TLS."}, tls.oldest, versions);
  fields.text(
      {"ciphers", "Ciphers of TLS 1.2 in OpenSSL's spelling; default: Mozilla's intermediate choice."},
      tls.ciphers, "a cipher list");
  fields.text({"cipherSuites", "Suites of TLS 1.3; default: OpenSSL's."}, tls.cipher_suites,
              "a list of suites");
  fields.object({"clientCertificates", "Certificates of clients."},
                [&tls](Fields& inner) { describe_clients(inner, tls.clients); });
  fields.list({"hosts", "Other client-certificate policies for some server names."},
              [&tls] { return host_shapes(tls.hosts); });
  fields.flag({"forwardClientCertificate",
               "Send a client's certificate to the endpoints as `Client-Cert` (RFC 9440)."},
              tls.forward_client_certificate);
  fields.integer({"handshakes", "Handshakes that a worker moves on before open connections have their turn."},
                 tls.handshakes, {1, 100'000});
  fields.flag(
      {"kernel", "Let the kernel encrypt (kTLS); where it cannot, OpenSSL does and a warning says why."},
      tls.kernel);
  describe_hsts(fields, tls.hsts);
  if (!listener.redirect_to_tls) listener.tls = std::move(tls);
}

void describe_upstream_tls(Fields& fields, UpstreamTls& tls) {
  tls.place = fields.place();
  fields.text(
      {"serverName", "Asked for by SNI and looked for in the certificate; default: the endpoint's host."},
      tls.server_name, "a host name");
  fields.flag({"verify", "Refuse endpoints whose certificate is not valid for that name."}, tls.verify);
  fields.text({"ca", "PEM file of CA certificates; default: the system's."}, tls.ca, file_form);
  describe_files(fields, tls.certificate);
  fields.choice({"minVersion", "Oldest version of TLS."}, tls.oldest, versions);
}

}  // namespace tidegate::conf
