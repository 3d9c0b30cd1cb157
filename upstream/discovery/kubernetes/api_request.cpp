#include "upstream/discovery/kubernetes/api_request.hpp"

#include <array>
#include <optional>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "upstream/discovery/kubernetes/api_tls.hpp"
#include "wire/net/connection_options.hpp"
#include "wire/net/tls_client.hpp"

namespace tidegate::upstream {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t most_head = 32 * 1024;
constexpr std::size_t most_at_once = 32 * 1024;
constexpr std::size_t most_targets = 8;
// A watch is silent for minutes; a server whose host vanished is noticed within half a minute.
constexpr net::ConnectionOptions keepalive{15s, 5s, 3};

http::request<http::empty_body> make_request(const ApiQuestion& question) {
  const auto& access = question.access;
  http::request<http::empty_body> request(http::verb::get, access.path + question.target, 11);
  request.set(http::field::host, conf::Address{access.host, access.port, {}}.text());
  request.set(http::field::user_agent, "tidegate");
  request.set(http::field::accept, "application/json");
  if (!access.token.empty()) request.set(http::field::authorization, "Bearer " + access.token);
  request.set(http::field::connection, "close");
  return request;
}

}  // namespace

// The request in progress. Handlers own it, so it outlives its `ApiRequest` until the last of them has run.
class ApiRequest::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(asio::io_context& context, ApiQuestion question, ApiEvents events)
      : question_(std::move(question)),
        events_(std::make_shared<const ApiEvents>(std::move(events))),
        socket_(context),
        timer_(context),
        resolver_(context) {}

  void start() {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      if (self->events_) self->resolve();
    });
  }

  void abandon() {
    events_ = nullptr;
    close();
  }

 private:
  // === connect ===

  void resolve() {
    const auto& access = question_.access;
    wait(question_.resolve, "its name was not resolved");
    resolver_.async_resolve(access.host, std::to_string(access.port), tcp::resolver::numeric_service,
                            [self = shared_from_this()](const error_code& error, const auto& found) {
                              if (!self->events_) return;
                              if (error)
                                return self->finish("its name cannot be resolved: " + error.message());
                              for (const auto& entry : found) {
                                if (self->targets_.size() < most_targets) self->targets_.push_back(entry);
                              }
                              self->connect();
                            });
  }

  void connect() {
    error_code ignored;
    socket_.close(ignored);
    socket_ = tcp::socket(timer_.get_executor());
    const auto target = targets_[next_target_++];
    connecting_ = true;
    wait(question_.connect, "it did not take the connection");
    socket_.async_connect(target,
                          [self = shared_from_this(), number = next_target_](const error_code& error) {
                            // One whose time was over has a successor by now.
                            if (!self->events_ || self->next_target_ != number) return;
                            if (!error) return self->connected();
                            self->connect_failed("connect: " + error.message());
                          });
  }

  void connect_failed(const std::string& why) {
    connecting_ = false;
    if (next_target_ < targets_.size()) return connect();
    finish(why);
  }

  void connected() {
    connecting_ = false;
    net::set_connection_options(socket_.native_handle(), keepalive);
    if (!question_.access.tls) return ask();
    auto session = make_session(question_.access);
    if (!session) return finish(session.error().why);
    tls_.emplace(socket_, session->release());
    wait(question_.connect, "it did not end the TLS handshake");
    tls_->async_handshake(asio::ssl::stream_base::client,
                          [self = shared_from_this()](const error_code& error) {
                            if (!self->events_) return;
                            if (!error) return self->ask();
                            self->handshake_failed(error);
                          });
  }

  void handshake_failed(const error_code& error) {
    const auto& access = question_.access;
    const auto untrusted = net::certificate_fault(tls_->native_handle());
    if (untrusted.empty()) return finish("TLS handshake: " + error.message());
    const auto source = access.authorities.empty() ? "the system's CA certificates" : access.authorities_file;
    finish("its certificate is not accepted (" + untrusted + "); it was looked at with " + source +
           " and the name " + (access.server_name.empty() ? access.host : access.server_name));
  }

  // === ask and read ===

  // What is read and written: the socket, or TLS on it.
  void with_stream(auto&& use) { tls_ ? use(*tls_) : use(socket_); }

  void ask() {
    request_ = make_request(question_);
    wait(question_.head, "it did not answer");
    with_stream([this](auto& stream) {
      http::async_write(stream, request_, [self = shared_from_this()](const error_code& error, std::size_t) {
        if (!self->events_) return;
        if (error) return self->finish("send: " + error.message());
        self->read_head();
      });
    });
  }

  void read_head() {
    parser_.emplace();
    parser_->header_limit(most_head);
    parser_->body_limit(boost::none);  // a watch has no end; whoever hears the bytes bounds them
    with_stream([this](auto& stream) {
      http::async_read_header(stream, buffer_, *parser_,
                              [self = shared_from_this()](const error_code& error, std::size_t) {
                                if (!self->events_) return;
                                if (error) return self->finish("answer: " + error.message());
                                self->answered();
                              });
    });
  }

  void answered() {
    wait(question_.body, "its answer did not end");
    tell([this](const ApiEvents& events) { events.head(static_cast<int>(parser_->get().result_int())); });
    if (events_) read_body();
  }

  void read_body() {
    if (parser_->is_done()) return finish({});
    auto& body = parser_->get().body();
    body.data = bytes_.data();
    body.size = bytes_.size();
    with_stream([this](auto& stream) {
      http::async_read_some(stream, buffer_, *parser_,
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (self->events_) self->came(error);
                            });
    });
  }

  void came(const error_code& error) {
    const auto size = bytes_.size() - parser_->get().body().size;
    if (size > 0) tell([&](const ApiEvents& events) { events.bytes({bytes_.data(), size}); });
    if (!events_) return;
    // `need_buffer`: ours is full.
    if (error && error != http::error::need_buffer)
      return finish("it broke off its answer: " + error.message());
    read_body();
  }

  // === end ===

  // Keeps the events for the time of the call, which may abandon them.
  void tell(auto&& call) {
    const auto events = events_;
    call(*events);
  }

  void finish(std::string why) {
    const auto events = std::exchange(events_, nullptr);
    close();
    events->end(std::move(why));
  }

  void wait(std::chrono::milliseconds span, const char* overdue) {
    timer_.expires_after(span);
    timer_.async_wait([self = shared_from_this(), span, overdue](const error_code& cancelled) {
      // The wait may have been prolonged when its handler was already queued.
      if (cancelled || !self->events_ || self->timer_.expiry() > std::chrono::steady_clock::now()) return;
      const auto why = std::string(overdue) + " within " + conf::duration_text(span);
      self->connecting_ ? self->connect_failed(why) : self->finish(why);
    });
  }

  // Pending operations end with an error; their handlers find no events and return.
  void close() {
    error_code ignored;
    socket_.close(ignored);
    resolver_.cancel();
    timer_.cancel();
  }

  ApiQuestion question_;
  std::shared_ptr<const ApiEvents> events_;  // null once ended or abandoned
  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  asio::steady_timer timer_;
  tcp::resolver resolver_;
  std::vector<tcp::endpoint> targets_;
  std::size_t next_target_ = 0;
  bool connecting_ = false;  // to one of them
  http::request<http::empty_body> request_;
  boost::beast::flat_buffer buffer_{most_head + most_at_once};
  std::optional<http::response_parser<http::buffer_body>> parser_;
  std::array<char, most_at_once> bytes_{};
};

ApiRequest::ApiRequest(asio::io_context& context, ApiQuestion question, ApiEvents events)
    : attempt_(std::make_shared<Attempt>(context, std::move(question), std::move(events))) {
  attempt_->start();
}

ApiRequest::~ApiRequest() {
  attempt_->abandon();
}

}  // namespace tidegate::upstream
