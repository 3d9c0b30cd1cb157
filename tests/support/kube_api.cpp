#include "tests/support/kube_api.hpp"

#include <cstdio>
#include <deque>
#include <future>
#include <list>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>

#include "tests/support/kube_store.hpp"
#include "tests/support/kube_target.hpp"

namespace tidegate::test {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t most_requests = 1000;

std::string chunk(const std::string& text) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

}  // namespace

// Everything in it belongs to its thread.
class KubeApi::Server {
 public:
  explicit Server(const KubeTls& files);
  ~Server();

  void listen();
  void stop();
  // Runs it on the server's thread, and returns when that has happened.
  void run(const std::function<void()>& call) {
    std::promise<void> done;
    asio::post(context, [&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }
  // To every watch it concerns.
  void spread(const KubeChange& change);
  void each_watch(const std::function<void(Session&)>& call);

  asio::io_context context;
  std::optional<asio::ssl::context> tls;
  std::uint16_t port = 0;  // stays, once it is known; any thread may read it
  KubeStore store;
  std::list<std::weak_ptr<Session>> sessions;
  std::deque<std::string> requests;
  KubeCounts counts;
  std::string token;
  std::pair<int, std::string> refusal;
  std::string exact_body;
  bool stalled = false;
  bool cut_next = false;
  std::size_t pieces = 0;

 private:
  void accept();

  asio::executor_work_guard<asio::io_context::executor_type> work_{context.get_executor()};
  tcp::acceptor acceptor_{context};
  std::thread thread_;
};

// One connection, which has one request.
class KubeApi::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Server& server)
      : server_(server), socket_(std::move(socket)), timer_(server.context) {
    if (server.tls) tls_.emplace(socket_, *server.tls);
  }
  ~Session() {
    if (selection_) --server_.counts.open_watches;
  }

  void start() {
    if (!tls_) return read();
    tls_->async_handshake(asio::ssl::stream_base::server,
                          [self = shared_from_this()](const error_code& error) {
                            if (!error) self->read();
                          });
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

  // === watch ===

  [[nodiscard]] bool watches() const { return selection_ && socket_.is_open(); }
  [[nodiscard]] bool wants(const KubeSlice& slice) const { return selection_->has(slice); }
  [[nodiscard]] bool allows_bookmarks() const { return bookmarks_; }
  void send_event(const std::string& line) { send(chunk(line)); }
  void send_half(const std::string& line) {
    const auto whole = chunk(line);
    send(whole.substr(0, whole.size() / 2));
    end();
  }
  // In order, with what is to be sent.
  void end_watch() {
    send("0\r\n\r\n");
    end();
  }

 private:
  void with_stream(auto&& use) { tls_ ? use(*tls_) : use(socket_); }

  void read() {
    with_stream([this](auto& stream) {
      http::async_read(stream, buffer_, request_,
                       [self = shared_from_this()](const error_code& error, std::size_t) {
                         if (!error) self->answer();
                       });
    });
  }

  void answer() {
    const std::string target(request_.target().data(), request_.target().size());
    server_.requests.push_back(target);
    if (server_.requests.size() > most_requests) server_.requests.pop_front();
    const auto asked = read_kube_target(target);
    const bool known = asked.selection && request_.method() == http::verb::get;
    const bool watch = known && asked.query.contains("watch");
    ++(!known ? server_.counts.others : watch ? server_.counts.watches : server_.counts.lists);
    if (server_.stalled) return await_end();
    if (server_.refusal.first != 0) return refuse(server_.refusal.first, server_.refusal.second);
    const auto authorization = request_[http::field::authorization];
    if (!server_.token.empty() && authorization != "Bearer " + server_.token)
      return refuse(401, "Unauthorized");
    if (!server_.exact_body.empty()) return answer(200, server_.exact_body);
    if (!known) return refuse(404, "the server could not find the requested resource");
    watch ? begin_watch(asked) : list(asked);
  }

  void list(const KubeTarget& asked) {
    const auto limit = asked.get("limit");
    const auto most = limit.empty() ? 0 : std::stoull(limit);
    const auto page = server_.store.page(*asked.selection, most, asked.get("continue"));
    if (page.empty()) return refuse(410, "The provided continue parameter is too old");
    answer(200, page);
  }

  void begin_watch(const KubeTarget& asked) {
    const auto version = std::stoull(asked.get("resourceVersion"));
    if (!server_.store.remembers(version)) return refuse(410, "too old resource version");
    selection_ = asked.selection;
    ++server_.counts.open_watches;
    bookmarks_ = asked.query.contains("allowWatchBookmarks");
    send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const auto& change : server_.store.since(version)) {
      if (wants(change.slice)) send_event(change.line);
    }
    if (const auto span = asked.get("timeoutSeconds"); !span.empty()) {
      timer_.expires_after(std::chrono::seconds(std::stoull(span)));
      timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
        if (!cancelled) self->end_watch();
      });
    }
    await_end();
  }

  void refuse(int status, const std::string& message) {
    if (status == 401 || status == 403) ++server_.counts.refused;
    answer(status, status_json(status, message));
  }

  void answer(int status, const std::string& body) {
    send("HTTP/1.1 " + std::to_string(status) +
         " Said\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body);
    end();
  }

  // Sees the client go.
  void await_end() {
    with_stream([this](auto& stream) {
      stream.async_read_some(asio::buffer(&byte_, 1),
                             [self = shared_from_this()](const error_code&, std::size_t) { self->close(); });
    });
  }

  // === sending ===

  void send(std::string text) {
    output_.append(text);
    if (!std::exchange(sending_, true)) send_more();
  }

  void end() {
    ends_ = true;
    if (!sending_) close();
  }

  void send_more() {
    const auto most = server_.pieces == 0 ? output_.size() : server_.pieces;
    piece_ = output_.substr(0, most);
    output_.erase(0, piece_.size());
    with_stream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(piece_),
                        [self = shared_from_this()](const error_code& error, std::size_t) {
                          if (error) return self->close();
                          if (!self->output_.empty()) return self->send_more();
                          self->sending_ = false;
                          if (self->ends_) self->close();
                        });
    });
  }

  Server& server_;
  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  std::optional<KubeSelection> selection_;  // of a watch
  bool bookmarks_ = false;
  std::string output_;
  std::string piece_;  // being written
  bool sending_ = false;
  bool ends_ = false;
  char byte_ = 0;
};

// === server ===

KubeApi::Server::Server(const KubeTls& files) {
  if (!files.certificate.empty()) {
    tls.emplace(asio::ssl::context::tls_server);
    tls->use_certificate_chain_file(files.certificate);
    tls->use_private_key_file(files.key, asio::ssl::context::pem);
    if (!files.client_authority.empty()) {
      tls->load_verify_file(files.client_authority);
      tls->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
  }
  listen();
  thread_ = std::thread([this] { context.run(); });
}

KubeApi::Server::~Server() {
  run([this] {
    stop();
    work_.reset();
  });
  thread_.join();
}

void KubeApi::Server::listen() {
  const tcp::endpoint where(asio::ip::address_v4::loopback(), port);
  acceptor_.open(where.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address(true));
  acceptor_.bind(where);
  acceptor_.listen();
  if (port == 0) port = acceptor_.local_endpoint().port();
  accept();
}

void KubeApi::Server::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  for (const auto& session : sessions) {
    if (const auto open = session.lock()) open->close();
  }
}

void KubeApi::Server::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error || !acceptor_.is_open()) return;
    sessions.remove_if([](const auto& session) { return session.expired(); });
    const auto session = std::make_shared<Session>(std::move(socket), *this);
    sessions.push_back(session);
    session->start();
    accept();
  });
}

void KubeApi::Server::each_watch(const std::function<void(Session&)>& call) {
  for (const auto& session : sessions) {
    if (const auto open = session.lock(); open && open->watches()) call(*open);
  }
}

void KubeApi::Server::spread(const KubeChange& change) {
  each_watch([&](Session& session) {
    if (!session.wants(change.slice)) return;
    std::exchange(cut_next, false) ? session.send_half(change.line) : session.send_event(change.line);
  });
}

// === calls ===

KubeApi::KubeApi(const KubeTls& tls) : server_(std::make_unique<Server>(tls)) {}
KubeApi::~KubeApi() = default;

std::uint16_t KubeApi::port() const {
  return server_->port;
}
std::string KubeApi::url() const {
  return (server_->tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port());
}

void KubeApi::put_slice(const KubeSlice& slice) {
  server_->run([&] { server_->spread(server_->store.put(slice)); });
}
void KubeApi::delete_slice(const std::string& name_space, const std::string& name) {
  server_->run([&] {
    const auto change = server_->store.remove(name_space, name);
    if (!change.type.empty()) server_->spread(change);
  });
}
std::uint64_t KubeApi::version() const {
  std::uint64_t version = 0;
  server_->run([&] { version = server_->store.version(); });
  return version;
}
void KubeApi::send_bookmarks() {
  server_->run([&] {
    server_->each_watch([&](Session& session) {
      if (session.allows_bookmarks()) session.send_event(server_->store.bookmark());
    });
  });
}
void KubeApi::compact() {
  server_->run([&] { server_->store.compact(); });
}
void KubeApi::expire_watches() {
  server_->run([&] {
    server_->store.compact();
    const auto line =
        "{\"type\":\"ERROR\",\"object\":" + status_json(410, "too old resource version") + "}\n";
    server_->each_watch([&](Session& session) {
      session.send_event(line);
      session.end_watch();
    });
  });
}
void KubeApi::close_watches() {
  server_->run([&] { server_->each_watch([](Session& session) { session.end_watch(); }); });
}
void KubeApi::cut_next_event() {
  server_->run([&] { server_->cut_next = true; });
}
void KubeApi::set_pieces(std::size_t bytes) {
  server_->run([&] { server_->pieces = bytes; });
}
void KubeApi::set_stalled(bool stalled) {
  server_->run([&] { server_->stalled = stalled; });
}
void KubeApi::require_token(const std::string& token) {
  server_->run([&] { server_->token = token; });
}
void KubeApi::refuse(int status, const std::string& message) {
  server_->run([&] { server_->refusal = {status, message}; });
}
void KubeApi::answer_exactly(const std::string& body) {
  server_->run([&] { server_->exact_body = body; });
}
void KubeApi::stop() {
  server_->run([&] { server_->stop(); });
}
void KubeApi::start() {
  server_->run([&] { server_->listen(); });
}
KubeCounts KubeApi::counts() const {
  KubeCounts counts;
  server_->run([&] { counts = server_->counts; });
  return counts;
}
std::vector<std::string> KubeApi::requests() const {
  std::vector<std::string> requests;
  server_->run([&] { requests.assign(server_->requests.begin(), server_->requests.end()); });
  return requests;
}

}  // namespace tidegate::test
