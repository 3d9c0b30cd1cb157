#include "gateway/process/ocsp_fetch.hpp"

#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace tidegate::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using Kind = OcspFetchFailure::Kind;

constexpr std::uint32_t most_head = 16 * 1024;

std::string authority_of(const net::OcspResponder& responder) {
  const bool brackets = responder.host.find(':') != std::string::npos;
  const auto host = brackets ? "[" + responder.host + "]" : responder.host;
  return responder.port == 80 ? host : host + ":" + std::to_string(responder.port);
}

beast::http::request<beast::http::string_body> make_question(const net::OcspResponder& responder,
                                                             std::string request) {
  beast::http::request<beast::http::string_body> question(beast::http::verb::post, responder.target, 11);
  question.set(beast::http::field::host, authority_of(responder));
  question.set(beast::http::field::user_agent, "tidegate");
  question.set(beast::http::field::content_type, "application/ocsp-request");
  question.set(beast::http::field::accept, "application/ocsp-response");
  question.set(beast::http::field::connection, "close");
  question.body() = std::move(request);
  question.prepare_payload();
  return question;
}

}  // namespace

// The fetch in progress. Handlers own it, so it outlives its `OcspFetch` until the last of them has run.
class OcspFetch::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(asio::io_context& context, const net::OcspResponder& responder, std::string request,
          OcspFetchLimits limits, Done done)
      : host_(responder.host),
        port_(responder.port),
        limits_(limits),
        done_(std::move(done)),
        question_(make_question(responder, std::move(request))),
        resolver_(context),
        socket_(context),
        timer_(context) {}

  void start() {
    timer_.expires_after(limits_.deadline);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (cancelled || !self->done_) return;
      self->finish(OcspFetchFailure{Kind::timeout, "no answer within " +
                                                       std::to_string(self->limits_.deadline.count()) +
                                                       " ms (" + self->stage_ + ")"});
    });
    resolver_.async_resolve(host_, std::to_string(port_), tcp::resolver::numeric_service,
                            [self = shared_from_this()](const error_code& error, const auto& found) {
                              if (!self->done_) return;
                              if (error) return self->fail(error);
                              self->connect(found);
                            });
  }

  void abandon() {
    done_ = nullptr;
    close();
  }

 private:
  void connect(const tcp::resolver::results_type& found) {
    stage_ = "connect";
    asio::async_connect(socket_, found,
                        [self = shared_from_this()](const error_code& error, const tcp::endpoint&) {
                          if (!self->done_) return;
                          if (error) return self->fail(error);
                          self->ask();
                        });
  }

  void ask() {
    stage_ = "send";
    beast::http::async_write(socket_, question_,
                             [self = shared_from_this()](const error_code& error, std::size_t) {
                               if (!self->done_) return;
                               if (error) return self->fail(error);
                               self->listen();
                             });
  }

  void listen() {
    stage_ = "receive";
    parser_.header_limit(most_head);
    parser_.body_limit(limits_.most_bytes);
    beast::http::async_read(socket_, buffer_, parser_,
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (!self->done_) return;
                              if (error) return self->fail(error);
                              self->take();
                            });
  }

  void take() {
    const auto status = parser_.get().result_int();
    if (status != 200)
      return finish(OcspFetchFailure{Kind::http, "HTTP " + std::to_string(status) + " instead of 200"});
    finish(std::move(parser_.get().body()));
  }

  void fail(const error_code& error) {
    if (error == beast::http::error::body_limit) {
      const auto most = std::to_string(limits_.most_bytes);
      return finish(OcspFetchFailure{Kind::http, "the answer is larger than " + most + " bytes"});
    }
    const bool cut =
        error == beast::http::error::end_of_stream || error == beast::http::error::partial_message;
    const bool talked =
        !cut && error.category() == beast::http::make_error_code(beast::http::error::bad_status).category();
    const auto text = cut ? "the connection ended before the answer did" : error.message();
    finish(OcspFetchFailure{talked ? Kind::http : Kind::unreachable, std::string(stage_) + ": " + text});
  }

  void finish(Result result) {
    const auto done = std::exchange(done_, nullptr);
    close();
    done(std::move(result));
  }

  // Pending operations end with an error; their handlers find `done_` empty and return.
  void close() {
    error_code ignored;
    socket_.close(ignored);
    resolver_.cancel();
    timer_.cancel();
  }

  const std::string host_;
  const std::uint16_t port_;
  const OcspFetchLimits limits_;
  Done done_;  // empty once called or abandoned
  const char* stage_ = "resolve";
  beast::http::request<beast::http::string_body> question_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_{most_head + 4096};
  beast::http::response_parser<beast::http::string_body> parser_;
};

OcspFetch::OcspFetch(asio::io_context& context, const net::OcspResponder& responder, std::string request,
                     OcspFetchLimits limits, Done done)
    : attempt_(std::make_shared<Attempt>(context, responder, std::move(request), limits, std::move(done))) {
  attempt_->start();
}

OcspFetch::~OcspFetch() {
  attempt_->abandon();
}

}  // namespace tidegate::gateway
