// The first bytes of a TLS client, before a listener that has several certificates. The first byte of an
// input says what the others are and who reads them (`Flag`). Whatever comes: the handshake ends with the
// client, the outcome does not depend on how the bytes arrive, a hello that is answered is answered with the
// certificate and under the policy of the name in it, and nothing is left behind for the next connection.
#include <array>

#include <openssl/err.h>
#include <sys/socket.h>

#include "tests/fuzz/client_hello_bytes.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/certificates.hpp"
#include "wire/net/server_names.hpp"
#include "wire/net/tls_error.hpp"
#include "wire/net/tls_server.hpp"
#include "wire/net/unique_fd.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

enum Flag : std::uint8_t {
  // The lowest two bits: 0 the bytes as the client sends them, 1 the body of a hello, 2 extensions behind
  // those of a good hello, 3 a host name in a good hello.
  kShape = 0x03,
  kRefuseUnknown = 0x04,  // the listener refuses names that it does not know
  kNewest = 0x08,         // shapes 2 and 3 offer TLS 1.3
  kAskedAgain = 0x10,     // after a hello for `b.test` that made the server ask for another
};

// === the listener ===

constexpr std::string_view kGuarded = "guarded.test";  // clients must show a certificate for this name

struct Listener {
  std::shared_ptr<const net::TlsServer> server;
  bool refuses_unknown = false;
};

struct Scene {
  test::Authority authority;
  net::ServerNames certificates;  // which may answer to a name: 0 only the first, 1 both of `a.example`, 2, 3
  net::ServerNames policies;
  Listener open = make(false);
  Listener strict = make(true);

  Listener make(bool refuse_unknown) {
    net::TlsServerSettings settings;
    const auto add = [&](const std::vector<std::string>& names, bool rsa, std::size_t number) {
      const auto issued = authority.issue({names, rsa});
      settings.identities.push_back({{issued.certificate, issued.key, {}}, {}, {}});
      for (const auto& name : names) (void)certificates.add(name, number);
    };
    add({"fallback.test"}, false, 0);
    add({"a.example"}, false, 1);
    add({"a.example"}, true, 1);
    add({"*.a.example"}, false, 2);
    add({"b.test", "*.b.test"}, false, 3);
    settings.refuse_unknown = refuse_unknown;
    net::ClientCertificatePolicy guarded{net::ClientCertificates::required, authority.file(), {}, 1};
    settings.policies = {{{"m.a.example", std::string(kGuarded)}, guarded}};
    for (const auto& name : settings.policies.front().names) (void)policies.add(name, 1);
    auto keys = std::make_shared<net::TicketKeys>(std::chrono::hours(12));
    keys->set({net::TicketSecret{}});
    return {net::TlsServer::make(std::move(settings), keys, std::chrono::system_clock::now()),
            refuse_unknown};
  }
};

Scene& scene() {
  static Scene made;
  return made;
}

// === one connection ===

struct Outcome {
  std::string answer;
  boost::system::error_code error;  // EAGAIN: the server waits for more
  const X509* certificate = nullptr;
  int verify = 0;
};

class Connection {
 public:
  explicit Connection(const Listener& listener) {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0, "a socket pair");
    client_.reset(ends[0]);
    socket_.reset(ends[1]);
    session_ = listener.server->accept(socket_.get());
  }

  // Hands the bytes over in pieces of at most `piece`.
  const Outcome& receive(std::string_view bytes, std::size_t piece) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      const auto part = bytes.substr(0, piece);
      const auto count = ::send(client_.get(), part.data(), part.size(), MSG_NOSIGNAL);
      require(count == static_cast<ssize_t>(part.size()), "the socket takes an input");
      advance();
    }
    outcome_.certificate = ::SSL_get_certificate(session_->ssl());
    outcome_.verify = ::SSL_get_verify_mode(session_->ssl());
    return outcome_;
  }

  // The client ends its side.
  void end() {
    ::shutdown(client_.get(), SHUT_WR);
    advance();
    require(!net::would_block(outcome_.error), "a handshake ends with its client");
  }

  [[nodiscard]] const net::TlsSession& session() const { return *session_; }

 private:
  void advance() {
    if (over_) return;
    auto want = net::Want::nothing;
    outcome_.error = session_->handshake(want);
    require(outcome_.error.failed(), "no handshake without a client's keys");
    over_ = !net::would_block(outcome_.error);
    require(over_ || want == net::Want::readable, "it is the client's turn");
    std::array<char, 16 * 1024> block;
    for (;;) {
      const auto count = ::recv(client_.get(), block.data(), block.size(), 0);
      if (count <= 0) return;
      outcome_.answer.append(block.data(), static_cast<std::size_t>(count));
    }
  }

  net::UniqueFd client_;
  net::UniqueFd socket_;
  std::unique_ptr<net::TlsSession> session_;
  Outcome outcome_;
  bool over_ = false;
};

// === the properties ===

std::string name_in(const PlainHello& hello) {
  if (!hello.server_name) return {};
  const auto& bytes = *hello.server_name;
  return net::parse_server_name({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})
      .value_or("");
}

std::string lower(std::string_view name) {
  std::string out(name.substr(0, name.size() - (name.ends_with('.') ? 1 : 0)));
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

void check_choice(const Listener& listener, const Connection& connection, const Outcome& outcome,
                  const std::string& name) {
  const auto& host = scene();
  const auto known = host.certificates.find(name);
  const auto policy = host.policies.find(name);
  require(known || policy || !listener.refuses_unknown, "an unknown name is refused");
  const auto& all = listener.server->certificates();
  static constexpr std::array<std::pair<std::size_t, std::size_t>, 4> kRanges{
      {{0, 1}, {1, 3}, {3, 4}, {4, 5}}};
  bool right = false;
  const auto [first, end] = kRanges[known.value_or(0)];
  for (auto i = first; i < end; ++i) right = right || all[i].leaf.get() == outcome.certificate;
  require(right, "the certificate of the name");
  require((outcome.verify != SSL_VERIFY_NONE) == policy.has_value(), "the policy of the name");
  const auto& session = connection.session();
  require(listener.server->fits(session, name), "requests for the name fit");
  require(listener.server->fits(session, kGuarded) == policy.has_value(), "no others of another policy");
  require(listener.server->fits(session, "b.test") != policy.has_value(), "in neither direction");
  require(name.empty() || lower(session.server_name()) == name, "both readers see one name");
}

Outcome run(const Listener& listener, std::string_view bytes, std::size_t piece) {
  Outcome outcome;
  {
    Connection connection(listener);
    outcome = connection.receive(bytes, piece);
    const auto hellos = plain_hellos(bytes);
    const auto answered = plain_server_hellos(outcome.answer);
    require(answered <= hellos.size(), "nothing is answered that was not asked");
    // Of more hellos than were answered the last one may have chosen before it failed.
    if (answered > 0 && answered == hellos.size())
      check_choice(listener, connection, outcome, name_in(hellos.back()));
    connection.end();
  }
  require(::ERR_peek_error() == 0, "no error is left for the next connection");
  require(listener.server.use_count() == 1, "no session is left");
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto flags = data[0];
  const auto input = text_of(data + 1, size - 1);
  std::string bytes;
  if ((flags & kAskedAgain) != 0) bytes = hello_without_share("b.test");
  const bool newest = (flags & (kNewest | kAskedAgain)) != 0;
  switch (flags & kShape) {
    case 0: bytes += input; break;
    case 1: bytes += framed_hello(input); break;
    case 2: bytes += good_hello(newest, input); break;
    default: bytes += good_hello(newest, server_name_extension(input)); break;
  }
  const auto& listener = (flags & kRefuseUnknown) != 0 ? scene().strict : scene().open;
  const auto whole = run(listener, bytes, bytes.size());
  const auto split = run(listener, bytes, bytes.size() < 100 ? 1 : bytes.size() / 3 + 1);
  // Signatures differ in length.
  require(split.error == whole.error && split.certificate == whole.certificate &&
              split.verify == whole.verify &&
              plain_server_hellos(split.answer) == plain_server_hellos(whole.answer),
          "a split changes the outcome");
  return 0;
}
