#include "health/probe.hpp"

#include <optional>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/rand.h>
#include <sys/un.h>

#include "health/probe_question.hpp"
#include "health/websocket_trial.hpp"
#include "wire/net/proxy_header.hpp"

namespace tidegate::health {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Endpoint = asio::generic::stream_protocol::endpoint;
using namespace std::chrono_literals;

constexpr std::size_t most_head = 32 * 1024;
constexpr int most_interim_answers = 8;
constexpr std::size_t most_body = 64 * 1024;
constexpr auto longest_body = 250ms;

std::uint16_t port_of(const ProbeRequest& request) {
  const auto port = conf::port_of(request.action);
  return port != 0 ? port : request.address.port;
}

// Empty for a Unix socket.
net::SocketAddress address_of(const Endpoint& endpoint) {
  const auto size = static_cast<socklen_t>(endpoint.size());
  return net::SocketAddress::from_kernel(endpoint.data(), size).value_or(net::SocketAddress());
}

// Draws what a WebSocket's handshake has to have of its own; false if nothing can be drawn.
bool draw(TrialRandom& random) {
  static_assert(std::is_trivially_copyable_v<TrialRandom>);
  return ::RAND_bytes(reinterpret_cast<unsigned char*>(&random), sizeof random) == 1;
}

}  // namespace

// The probe in progress. Handlers own it, so it outlives its `Probe` until the last of them has run.
class Probe::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(asio::io_context& context, ProbeRequest request, Done done)
      : request_(std::move(request)),
        done_(std::move(done)),
        socket_(context),
        timer_(context),
        resolver_(context),
        began_(Clock::now()) {}

  void start() {
    wait(request_.timeout);
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->locate(); });
  }

  void abandon() {
    if (!done_) return;
    done_ = nullptr;
    close();
  }

 private:
  // === connect ===

  void locate() {
    if (!done_) return;
    if (request_.address.is_unix()) {
      if (request_.address.path.size() >= sizeof(sockaddr_un::sun_path)) {
        return finish(ProbeOutcome::unreachable, "connect: path of the Unix socket is too long");
      }
      targets_.emplace_back(asio::local::stream_protocol::endpoint(request_.address.path));
      return connect();
    }
    error_code not_literal;
    const auto literal = asio::ip::make_address(request_.address.host, not_literal);
    if (!not_literal) {
      targets_.emplace_back(asio::ip::tcp::endpoint(literal, port_of(request_)));
      return connect();
    }
    stage_ = "resolving";
    resolver_.async_resolve(request_.address.host, std::to_string(port_of(request_)),
                            asio::ip::tcp::resolver::numeric_service,
                            [self = shared_from_this()](const error_code& error, const auto& results) {
                              if (!self->done_) return;
                              if (error)
                                return self->finish(outcome_of(error), "resolve: " + error.message());
                              for (const auto& result : results)
                                self->targets_.emplace_back(result.endpoint());
                              self->connect();
                            });
  }

  void connect() {
    stage_ = "connecting";
    socket_.async_connect(targets_[next_target_],
                          [self = shared_from_this()](const error_code& error) { self->connected(error); });
  }

  void connected(const error_code& error) {
    if (!done_) return;
    if (error) {
      error_code ignored;
      socket_.close(ignored);
      if (++next_target_ < targets_.size()) return connect();
      return finish(outcome_of(error), "connect: " + error.message());
    }
    if (connected_to_itself()) return finish(ProbeOutcome::refused, "connect: Connection refused");
    if (request_.tls == nullptr && only_connects())
      return finish(ProbeOutcome::pass, "TCP connect in " + elapsed());
    const bool own_port = port_of(request_) == request_.address.port;
    if (request_.proxy_protocol == conf::ProxyProtocolOut::off || !own_port) return begin();
    announce();
  }

  [[nodiscard]] const conf::HttpGetAction* http_action() const {
    return std::get_if<conf::HttpGetAction>(&request_.action);
  }
  [[nodiscard]] bool only_connects() const {
    return std::holds_alternative<conf::TcpSocketAction>(request_.action);
  }

  // A connect to a local port of the ephemeral range on which nobody listens can meet its own simultaneous
  // open.
  [[nodiscard]] bool connected_to_itself() const {
    error_code failed;
    const auto local = socket_.local_endpoint(failed);
    return !request_.address.is_unix() && !failed && local == targets_[next_target_];
  }

  // === ask ===

  void begin() { request_.tls ? shake_hands() : ask(); }

  // The PROXY protocol's word for a connection of the gateway's own.
  void announce() {
    const auto version =
        request_.proxy_protocol == conf::ProxyProtocolOut::v1 ? net::ProxyVersion::v1 : net::ProxyVersion::v2;
    error_code unknown;
    const auto local = address_of(socket_.local_endpoint(unknown));
    net::append_local_proxy_header(header_, version, local, address_of(targets_[next_target_]));
    asio::async_write(socket_, asio::buffer(header_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        if (!self->done_) return;
                        if (error) return self->finish(outcome_of(error), "send: " + error.message());
                        self->begin();
                      });
  }

  void shake_hands() {
    stage_ = "in the TLS handshake";
    const auto* const action = http_action();
    const bool named = action != nullptr && !action->host.empty();
    const auto& own = request_.host.empty() ? request_.address.host : request_.host;
    const auto& host = named ? action->host : own;
    tls_.emplace(socket_, request_.tls->session(host).release());
    tls_->async_handshake(asio::ssl::stream_base::client,
                          [self = shared_from_this()](const error_code& error) {
                            if (!self->done_) return;
                            if (!error) return self->secured();
                            self->handshake_failed(error);
                          });
  }

  void handshake_failed(const error_code& error) {
    const auto untrusted = net::certificate_fault(tls_->native_handle());
    result_.untrusted = !untrusted.empty();
    auto evidence = "TLS handshake: " + error.message();
    if (result_.untrusted) evidence += " (" + untrusted + ")";
    finish(ProbeOutcome::invalid_answer, std::move(evidence));
  }

  void secured() {
    if (!only_connects()) return ask();
    finish(ProbeOutcome::pass, "TLS handshake in " + elapsed());
  }

  // What is read and written: the socket, or TLS on it.
  void with_stream(auto&& use) { tls_ ? use(*tls_) : use(socket_); }

  void ask() {
    if (const auto* const action = std::get_if<conf::WebSocketAction>(&request_.action))
      return open_socket(*action);
    stage_ = "waiting for the answer";
    question_ = make_question(*http_action(), authority());
    with_stream([this](auto& stream) {
      beast::http::async_write(stream, question_,
                               [self = shared_from_this()](const error_code& error, std::size_t) {
                                 if (!self->done_) return;
                                 if (error)
                                   return self->finish(outcome_of(error), "send: " + error.message());
                                 self->read_head();
                               });
    });
  }

  [[nodiscard]] std::string authority() const { return authority_of(request_.address, port_of(request_)); }

  void read_head() {
    parser_.emplace();
    parser_->skip(true);
    parser_->header_limit(most_head);
    with_stream([this](auto& stream) {
      beast::http::async_read_header(
          stream, buffer_, *parser_,
          [self = shared_from_this()](const error_code& error, std::size_t) { self->answered(error); });
    });
  }

  void answered(const error_code& error) {
    if (!done_) return;
    if (error == beast::http::error::end_of_stream || error == beast::http::error::partial_message ||
        error == asio::ssl::error::stream_truncated) {
      return finish(ProbeOutcome::reset, "closed before the answer after " + elapsed());
    }
    if (error && error.category() == boost::system::system_category()) {
      return finish(outcome_of(error), "receive: " + error.message());
    }
    if (error) return finish(ProbeOutcome::invalid_answer, "answer is not HTTP: " + error.message());

    const auto status = static_cast<int>(parser_->get().result_int());
    if (status < 200 && status != 101 && ++interim_answers_ <= most_interim_answers) return read_head();
    const bool passes = status >= 200 && status < 400;
    result_.status = status;
    result_.answered_by = pod_named_by(parser_->get());
    linger();
    finish(passes ? ProbeOutcome::pass : ProbeOutcome::not_ready,
           "HTTP " + std::to_string(status) + " in " + elapsed());
  }

  // === open a WebSocket ===

  void open_socket(const conf::WebSocketAction& action) {
    TrialRandom random;
    if (!draw(random)) return finish(ProbeOutcome::internal, "no random numbers for the handshake");
    stage_ = "waiting for the 101";
    trial_.emplace(action, authority(), random);
    say(trial_->request());
  }

  // Sends it, then listens.
  void say(std::string_view bytes) {
    with_stream([this, bytes](auto& stream) {
      asio::async_write(stream, asio::buffer(bytes),
                        [self = shared_from_this()](const error_code& error, std::size_t) {
                          if (!self->done_) return;
                          if (error) return self->finish(outcome_of(error), "send: " + error.message());
                          self->listen();
                        });
    });
  }

  void listen() {
    with_stream([this](auto& stream) {
      stream.async_read_some(buffer_.prepare(4096),
                             [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                               self->hear(error, bytes);
                             });
    });
  }

  void hear(const error_code& error, std::size_t bytes) {
    if (!done_) return;
    if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
      return finish(ProbeOutcome::reset, "closed " + std::string(stage_) + " after " + elapsed());
    const bool of_tls = error.category() != boost::system::system_category();
    if (error)
      return finish(of_tls ? ProbeOutcome::invalid_answer : outcome_of(error), "receive: " + error.message());
    buffer_.commit(bytes);
    const auto heard = buffer_.data();
    const auto step = trial_->receive({static_cast<const char*>(heard.data()), heard.size()});
    buffer_.clear();
    if (step == WebSocketTrial::Step::listen) return listen();
    if (step == WebSocketTrial::Step::end) return conclude();
    stage_ = "waiting for the pong";
    say(trial_->ping());
  }

  void conclude() {
    result_.status = trial_->status();
    with_stream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(trial_->farewell()),
                        [self = shared_from_this()](const error_code& error, std::size_t) {
                          error ? self->close() : self->linger();
                        });
    });
    lingers_ = true;
    finish(trial_->outcome(), trial_->evidence() + " in " + elapsed());
  }

  // === end ===

  [[nodiscard]] std::string elapsed() const { return text_of(Clock::now() - began_); }

  void finish(ProbeOutcome outcome, std::string evidence) {
    result_.outcome = outcome;
    result_.evidence = std::move(evidence);
    result_.elapsed = Clock::now() - began_;
    const auto done = std::exchange(done_, nullptr);
    if (!lingers_) close();
    done(std::move(result_));
  }

  // Closing with bytes unread would send the pod a reset, which it may log as an error of its own.
  void linger() {
    lingers_ = true;
    wait(longest_body);
    buffer_.clear();
    read_more();
  }

  void read_more() {
    with_stream([this](auto& stream) {
      stream.async_read_some(buffer_.prepare(4096),
                             [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                               self->body_bytes_ += bytes;
                               if (error || self->body_bytes_ > most_body) return self->close();
                               self->read_more();
                             });
    });
  }

  void wait(Clock::duration span) {
    timer_.expires_after(span);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      // The wait may have been prolonged when its handler was already queued.
      if (cancelled || self->timer_.expiry() > Clock::now()) return;
      self->expire();
    });
  }

  void expire() {
    if (lingers_) return close();
    if (!done_) return;
    finish(ProbeOutcome::timeout, "no answer within " + text_of(request_.timeout) + " (" + stage_ + ")");
  }

  // Pending operations end with an error; their handlers find `done_` empty and return.
  void close() {
    error_code ignored;
    socket_.close(ignored);
    resolver_.cancel();
    timer_.cancel();
  }

  ProbeRequest request_;
  Done done_;  // empty once called or abandoned
  asio::generic::stream_protocol::socket socket_;
  std::optional<asio::ssl::stream<asio::generic::stream_protocol::socket&>> tls_;
  asio::steady_timer timer_;
  asio::ip::tcp::resolver resolver_;
  Clock::time_point began_;
  const char* stage_ = "connecting";
  std::vector<Endpoint> targets_;
  std::size_t next_target_ = 0;
  std::string header_;
  beast::http::request<beast::http::empty_body> question_;
  boost::beast::flat_buffer buffer_{most_head + 4096};
  std::optional<beast::http::response_parser<beast::http::empty_body>> parser_;
  int interim_answers_ = 0;
  std::optional<WebSocketTrial> trial_;
  bool lingers_ = false;
  std::size_t body_bytes_ = 0;
  ProbeResult result_;
};

Probe::Probe(boost::asio::io_context& context, ProbeRequest request, Done done)
    : attempt_(std::make_shared<Attempt>(context, std::move(request), std::move(done))) {
  attempt_->start();
}

Probe::~Probe() {
  attempt_->abandon();
}

}  // namespace tidegate::health
