#include "tests/health/scripted_pod.hpp"

#include <array>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/http/upgrade.hpp"

namespace tidegate::health {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

class ScriptedPod::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, const ScriptedPod& pod)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        behaviour_(pod.behaviour_),
        text_(pod.text_),
        requests_(pod.requests_),
        frames_(pod.frames_),
        statuses_(pod.statuses_),
        open_(pod.open_) {
    ++*open_;
  }
  ~Session() { --*open_; }

  void read() {
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                              if (error) return self->end();
                              self->head_.append(self->input_.data(), bytes);
                              if (!self->head_.ends_with("\r\n\r\n")) return self->read();
                              self->requests_->push_back(std::exchange(self->head_, {}));
                              self->answer_or_act();
                            });
  }

  void end() {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
  }

 private:
  void answer_or_act() {
    const auto& head = requests_->back();
    const auto begin = head.find(' ') + 1;
    const auto found = statuses_->find(head.substr(begin, head.find(' ', begin) - begin));
    if (found == statuses_->end()) return act();
    behaviour_ = Behaviour::answer;
    text_ = ScriptedPod::head(found->second);
    send();
  }

  void act() {
    switch (behaviour_) {
      case Behaviour::answer: return send();
      case Behaviour::stall: return read();  // sees the end of the probe
      case Behaviour::close: return end();
      case Behaviour::reset: socket_.set_option(asio::socket_base::linger(true, 0)); return end();
      case Behaviour::drip: return drip(0);
      case Behaviour::flood: return send();
      case Behaviour::upgrade: return upgrade();
    }
  }

  void upgrade() {
    const auto& head = requests_->back();
    constexpr std::string_view field = "Sec-WebSocket-Key: ";
    const auto accept = http::accept_of(std::string_view(head).substr(head.find(field) + field.size(), 24));
    text_.insert(0,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: " +
                     std::string(accept.data(), accept.size()) + "\r\n\r\n");
    say();
  }

  void say() {
    asio::async_write(socket_, asio::buffer(text_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        error ? self->end() : self->read_frame();
                      });
  }

  // One short masked frame, which comes whole behind the answer to the last one.
  void read_frame() {
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                              if (error || bytes < 6) return self->end();
                              self->answer_frame({self->input_.data(), bytes});
                            });
  }

  void answer_frame(std::string frame) {
    std::string payload = frame.substr(6);
    for (std::size_t i = 0; i < payload.size(); ++i)
      payload[i] = static_cast<char>(payload[i] ^ frame[2 + i % 4]);
    const bool pings = frame[0] == '\x89';
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(payload.at(i)); };
    frames_->push_back(pings ? "ping" : "close " + std::to_string(byte(0) << 8 | byte(1)));
    text_ = (pings ? "\x8a" : "\x88") + std::string(1, static_cast<char>(payload.size())) + payload;
    say();
  }

  void send() {
    asio::async_write(socket_, asio::buffer(text_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                        if (error) return self->end();
                        if (self->behaviour_ != Behaviour::flood) return self->read();
                        self->text_.assign(16 * 1024, 'x');
                        self->send();
                      });
  }

  void drip(std::size_t sent) {
    if (sent == text_.size()) return read();
    asio::async_write(socket_, asio::buffer(text_.data() + sent, 1),
                      [self = shared_from_this(), sent](const error_code& failed, std::size_t) {
                        if (failed) return self->end();
                        self->timer_.expires_after(std::chrono::milliseconds(20));
                        self->timer_.async_wait([self, sent](const error_code& cancelled) {
                          if (!cancelled) self->drip(sent + 1);
                        });
                      });
  }

  Socket socket_;
  asio::steady_timer timer_;
  Behaviour behaviour_;
  std::string text_;
  std::shared_ptr<std::vector<std::string>> requests_;
  std::shared_ptr<std::vector<std::string>> frames_;
  std::shared_ptr<std::map<std::string, int>> statuses_;
  std::shared_ptr<int> open_;
  std::string head_;
  std::array<char, 4096> input_{};
};

ScriptedPod::ScriptedPod(asio::io_context& context) : address_{"127.0.0.1", 0, {}}, acceptor_(context) {
  listen();
}

ScriptedPod::ScriptedPod(asio::io_context& context, const std::string& unix_path)
    : address_{{}, 0, unix_path}, acceptor_(context) {
  listen();
}

ScriptedPod::~ScriptedPod() {
  stop();
  for (const auto& session : sessions_) {
    if (const auto open = session.lock()) open->end();
  }
}

void ScriptedPod::script(Behaviour behaviour, std::string text) {
  behaviour_ = behaviour;
  text_ = std::move(text);
}

void ScriptedPod::listen() {
  asio::generic::stream_protocol::endpoint where;
  if (address_.is_unix()) {
    where = asio::local::stream_protocol::endpoint(address_.path);
  } else {
    where = asio::ip::tcp::endpoint(asio::ip::make_address(address_.host), address_.port);
  }
  acceptor_.open(where.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address(true));
  acceptor_.bind(where);
  acceptor_.listen();
  if (!address_.is_unix()) {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    getsockname(acceptor_.native_handle(), reinterpret_cast<sockaddr*>(&bound), &size);
    address_.port = ntohs(bound.sin_port);
  }
  accept();
}

void ScriptedPod::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  if (address_.is_unix()) unlink(address_.path.c_str());
}

void ScriptedPod::accept() {
  acceptor_.async_accept([this, alive = std::weak_ptr(alive_)](const error_code& error, Socket socket) {
    if (alive.expired() || error == asio::error::operation_aborted) return;  // gone or stopped
    if (!error) {
      ++accepted_;
      auto session = std::make_shared<Session>(std::move(socket), *this);
      sessions_.push_back(session);
      session->read();
    }
    accept();
  });
}

}  // namespace tidegate::health
