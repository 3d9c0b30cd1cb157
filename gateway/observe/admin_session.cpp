#include "gateway/observe/admin_session.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "gateway/observe/descriptor_reserve.hpp"

namespace tidegate::gateway {

namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint32_t longest_head = 16 * 1024;
constexpr std::string_view plain = "text/plain; charset=utf-8";
constexpr std::string_view server_name = "tidegate";

AdminReply index_page() {
  return {200, std::string(plain),
          "tidegate\n"
          "/ready      200 while new requests are taken, 503 with the reason otherwise\n"
          "/live       200 while the control thread runs\n"
          "/metrics    Prometheus text\n"
          "/endpoints  the endpoints and their states, JSON\n"};
}

}  // namespace

bool is_page(std::string_view target) {
  constexpr std::array<std::string_view, 5> pages{"/", "/ready", "/live", "/metrics", "/endpoints"};
  return std::find(pages.begin(), pages.end(), target.substr(0, target.find('?'))) != pages.end();
}

AdminReply answer(const AdminSource& source, std::string_view target) {
  const auto path = target.substr(0, target.find('?'));
  if (path == "/ready") {
    std::string why;
    if (source.ready(why)) return {200, std::string(plain), "ready\n"};
    return {503, std::string(plain), "not ready: " + why + "\n"};
  }
  if (path == "/live") return {200, std::string(plain), "live\n"};
  if (path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", source.metrics()};
  if (path == "/endpoints") return {200, "application/json", source.endpoints()};
  if (path == "/") return index_page();
  return {404, std::string(plain), "not found; see /\n"};
}

// One connection: read a head, answer it, again. Kept alive by its pending operation. The stream's own timer
// closes the socket when a deadline passes.
class AdminSession : public std::enable_shared_from_this<AdminSession> {
 public:
  AdminSession(AdminSocket socket, const AdminSource& source, AdminLimits limits,
               std::shared_ptr<DescriptorReserve> reserve)
      : stream_(std::move(socket)), source_(source), limits_(limits), reserve_(std::move(reserve)) {}
  ~AdminSession() { give_back(); }
  AdminSession(const AdminSession&) = delete;
  AdminSession& operator=(const AdminSession&) = delete;

  void start() { wait(); }
  [[nodiscard]] bool idle() const { return idle_; }
  void close() {
    closed_ = true;
    give_back();
    stream_.close();
  }

 private:
  void give_back() {
    if (!reserve_ || !stream_.socket().is_open()) return;
    error_code error;
    const auto descriptor = stream_.socket().release(error);
    if (!error) reserve_->take_back(net::UniqueFd(descriptor));
  }

  using Stream = beast::basic_stream<AdminProtocol, boost::asio::io_context::executor_type>;

  // The idle deadline runs until a first byte comes, the header deadline from there.
  void wait() {
    idle_ = true;
    parser_.emplace();
    parser_->header_limit(longest_head);
    if (buffer_.size() > 0) return read();  // a pipelined request
    stream_.expires_after(limits_.idle);
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              if (self->closed_ || error) return;
                              self->buffer_.commit(size);
                              self->read();
                            });
  }

  void read() {
    idle_ = false;
    stream_.expires_after(limits_.header);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (self->closed_) return;
      if (!error) return self->reply();
      const bool malformed = error.category() == http::make_error_code(http::error::bad_method).category();
      if (malformed && error != http::error::end_of_stream && error != http::error::partial_message)
        self->refuse();
    });
  }

  void reply() {
    const auto& request = parser_->get();
    const bool head = request.method() == http::verb::head;
    if (source_.command && !head && is_command()) return command();
    if (!head && request.method() != http::verb::get) {
      fill({405, std::string(plain), "only GET and HEAD\n"}, request.keep_alive());
      response_.set(http::field::allow, "GET, HEAD");
    } else {
      // What the page tells of the process may have to be read from files.
      if (reserve_) (void)reserve_->give_up_one();
      fill(answer(source_, {request.target().data(), request.target().size()}), request.keep_alive());
      if (reserve_) reserve_->refill();
    }
    // Content-Length stays that of a GET (RFC 9110 9.3.2).
    if (head) response_.body().clear();
    write();
  }

  // On the socket for commands: what is not one of the pages that every admin listener has.
  [[nodiscard]] bool is_command() const {
    const auto& request = parser_->get();
    if (request.method() != http::verb::get) return true;
    return !is_page({request.target().data(), request.target().size()});
  }

  // What is done may take its time; the client decides how long it waits.
  void command() {
    stream_.expires_never();
    const auto& request = parser_->get();
    const std::string method(request.method_string().data(), request.method_string().size());
    const std::string target(request.target().data(), request.target().size());
    source_.command(method, target,
                    [self = shared_from_this(), keep = request.keep_alive()](AdminReply reply) {
                      if (self->closed_) return;
                      self->fill(std::move(reply), keep);
                      self->write();
                    });
  }

  void refuse() {
    fill({400, std::string(plain), "bad request\n"}, false);
    write();
  }

  void fill(AdminReply reply, bool keep_alive) {
    response_ = {static_cast<http::status>(reply.status), 11};
    response_.set(http::field::server, {server_name.data(), server_name.size()});
    response_.set(http::field::content_type, reply.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.keep_alive(keep_alive && !reserve_);  // others need it, too
    response_.body() = std::move(reply.body);
    response_.content_length(response_.body().size());
  }

  void write() {
    stream_.expires_after(limits_.write);
    http::async_write(stream_, response_, [self = shared_from_this()](error_code error, std::size_t) {
      if (self->closed_ || error) return;
      if (self->response_.keep_alive()) return self->wait();
      error_code ignored;
      self->stream_.socket().shutdown(AdminSocket::shutdown_send, ignored);
      self->idle_ = true;  // nothing is owed to it any more
      self->drain();
    });
  }

  // Closing with unread bytes would send a reset, which may overtake the answer (RFC 9112 9.6). The deadline
  // set for writing holds for all of it.
  void drain() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (!self->closed_ && !error) self->drain();
                            });
  }

  Stream stream_;
  const AdminSource& source_;  // not used once closed
  const AdminLimits limits_;
  const std::shared_ptr<DescriptorReserve> reserve_;
  beast::flat_buffer buffer_{longest_head};
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
  bool idle_ = true;
  bool closed_ = false;
};

void AdminSessions::open(AdminSocket socket, std::shared_ptr<DescriptorReserve> reserve) {
  sessions_.remove_if([](const auto& session) { return session.expired(); });
  if (sessions_.size() >= limits_.connections && !close_longest_idle()) return;  // the socket closes
  const auto session =
      std::make_shared<AdminSession>(std::move(socket), source_, limits_, std::move(reserve));
  sessions_.push_back(session);
  session->start();
}

bool AdminSessions::close_longest_idle() {
  const auto idle = std::find_if(sessions_.begin(), sessions_.end(), [](const auto& weak) {
    const auto session = weak.lock();
    return session && session->idle();
  });
  if (idle == sessions_.end()) return false;
  if (const auto session = idle->lock()) session->close();
  sessions_.erase(idle);
  return true;
}

void AdminSessions::close_all() {
  for (const auto& weak : sessions_) {
    if (const auto session = weak.lock()) session->close();
  }
  sessions_.clear();
  source_ = {};
}

}  // namespace tidegate::gateway
