// ares_query and ares_process_fd are there in every version; what newer ones have instead is not.
#define CARES_NO_DEPRECATED
#include "upstream/discovery/dns/ares_channel.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <stdexcept>
#include <utility>

#include <ares.h>
#include <arpa/nameser.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tidegate::upstream::dns {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;

// What fits into a packet nearly everywhere (DNS flag day 2020).
constexpr int largest_datagram = 1232;

// A socket of c-ares. It is c-ares that opens and closes it.
struct Socket {
  // Where it cannot be watched nothing is told of it, and what was asked over it times out. Not an exception:
  // it would go through c-ares.
  Socket(asio::io_context& context, int fd) : descriptor(context) {
    error_code ignored;
    descriptor.assign(fd, ignored);
  }
  ~Socket() { descriptor.release(); }  // nothing, unless c-ares has not closed it
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] bool wants(Descriptor::wait_type what) const {
    return what == Descriptor::wait_read ? readable : writable;
  }
  [[nodiscard]] bool& waits(Descriptor::wait_type what) {
    return what == Descriptor::wait_read ? waits_readable : waits_writable;
  }

  Descriptor descriptor;
  bool readable = false;  // what c-ares wants to be told
  bool writable = false;
  bool waits_readable = false;  // what is waited for
  bool waits_writable = false;
};

Answer answer_of(int status, std::span<const unsigned char> bytes, RecordType type) {
  if (!bytes.empty()) return parse_answer(bytes, type);
  Answer answer;
  if (status == ARES_ETIMEOUT) {
    answer.kind = AnswerKind::unanswered;
    answer.why = "no answer in time";
  } else if (status == ARES_ECONNREFUSED) {
    // Debian 12's c-ares says so too where every server answered with SERVFAIL, NOTIMP or REFUSED.
    answer.why = "refused, or SERVFAIL";
  } else {
    answer.why = ares_strerror(status);
  }
  return answer;
}

}  // namespace

class AresChannel::Sockets : public std::enable_shared_from_this<Sockets> {
 public:
  explicit Sockets(asio::io_context& context) : context_(context), timer_(context) {}
  ~Sockets() { end(); }

  void open(const ChannelSettings& settings);
  void ask(const std::string& name, RecordType type, Callback callback);
  void end();

 private:
  struct Question {
    Sockets* sockets;
    RecordType type;
    Callback callback;
  };

  static void take_state(void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Sockets*>(self)->set_state(fd, readable != 0, writable != 0);
  }
  static void take_answer(void* question, int status, int timeouts, unsigned char* bytes, int size);
  void set_state(ares_socket_t fd, bool readable, bool writable);
  void wait(ares_socket_t fd, const std::shared_ptr<Socket>& socket, Descriptor::wait_type what);
  void process(ares_socket_t readable, ares_socket_t writable);
  void arm_timer();

  asio::io_context& context_;
  asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  bool ended_ = false;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
};

void AresChannel::Sockets::open(const ChannelSettings& settings) {
  ares_options options{};
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
  options.flags = ARES_FLAG_EDNS;
  options.timeout = static_cast<int>(settings.timeout.count());
  options.tries = settings.tries;
  options.ednspsz = largest_datagram;
  options.sock_state_cb = &Sockets::take_state;
  options.sock_state_cb_data = this;
#ifdef ARES_OPT_MAXTIMEOUTMS
  options.maxtimeout = options.timeout;
  mask |= ARES_OPT_MAXTIMEOUTMS;
#endif
#ifdef ARES_OPT_QUERY_CACHE
  // From 1.31 on by default. What is asked before it has expired would be answered by the cache.
  options.qcache_max_ttl = 0;
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  if (const int status = ares_init_options(&channel_, &options, mask); status != ARES_SUCCESS) {
    channel_ = nullptr;
    throw std::runtime_error(std::string("c-ares: ") + ares_strerror(status));
  }
  std::string servers;
  for (const auto& server : settings.servers) servers += (servers.empty() ? "" : ",") + server;
  if (const int status = ares_set_servers_ports_csv(channel_, servers.c_str()); status != ARES_SUCCESS) {
    throw std::runtime_error("c-ares cannot use the servers " + servers + ": " + ares_strerror(status));
  }
}

void AresChannel::Sockets::ask(const std::string& name, RecordType type, Callback callback) {
  auto question = std::make_unique<Question>(Question{this, type, std::move(callback)});
  ares_query(channel_, name.c_str(), ns_c_in, static_cast<int>(type), &Sockets::take_answer,
             question.release());
  arm_timer();
}

void AresChannel::Sockets::take_answer(void* asked, int status, int, unsigned char* bytes, int size) {
  const std::unique_ptr<Question> question(static_cast<Question*>(asked));
  if (question->sockets->ended_) return;
  const auto length = bytes == nullptr ? 0 : static_cast<std::size_t>(std::max(size, 0));
  question->callback(answer_of(status, std::span<const unsigned char>(bytes, length), question->type));
}

// c-ares closes a socket right after it wants neither of it. The descriptor lets go of it before that, and
// not when the object goes, which a handler that runs may still hold: its number could be another socket's by
// then.
void AresChannel::Sockets::set_state(ares_socket_t fd, bool readable, bool writable) {
  if (!readable && !writable) {
    const auto closed = sockets_.find(fd);
    if (closed == sockets_.end()) return;
    closed->second->descriptor.release();
    sockets_.erase(closed);
    return;
  }
  auto& socket = sockets_[fd];
  if (socket == nullptr) socket = std::make_shared<Socket>(context_, fd);
  socket->readable = readable;
  socket->writable = writable;
  wait(fd, socket, Descriptor::wait_read);
  wait(fd, socket, Descriptor::wait_write);
}

void AresChannel::Sockets::wait(ares_socket_t fd, const std::shared_ptr<Socket>& socket,
                                Descriptor::wait_type what) {
  if (!socket->wants(what) || socket->waits(what)) return;
  socket->waits(what) = true;
  // The number of a closed socket may be that of the next one, so that only the object tells.
  const auto ready = [weak_self = weak_from_this(), fd, weak = std::weak_ptr(socket),
                      what](const error_code& error) {
    const auto self = weak_self.lock();
    const auto same = weak.lock();
    if (error || !self || !same || self->ended_) return;
    same->waits(what) = false;
    const bool reads = what == Descriptor::wait_read;
    if (same->wants(what)) self->process(reads ? fd : ARES_SOCKET_BAD, reads ? ARES_SOCKET_BAD : fd);
    // It may be closed by now, which is seen by nobody else having it.
    const auto found = self->sockets_.find(fd);
    if (found != self->sockets_.end() && found->second == same) self->wait(fd, same, what);
  };
  socket->descriptor.async_wait(what, ready);
}

void AresChannel::Sockets::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  arm_timer();
}

void AresChannel::Sockets::arm_timer() {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  timer_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self && !self->ended_) self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

void AresChannel::Sockets::end() {
  if (std::exchange(ended_, true)) return;
  timer_.cancel();
  // Tells every question that it ends, and every socket that it is closed.
  if (channel_ != nullptr) ares_destroy(channel_);
  sockets_.clear();
}

AresChannel::AresChannel(asio::io_context& context, const ChannelSettings& settings)
    : sockets_(std::make_shared<Sockets>(context)) {
  sockets_->open(settings);
}

AresChannel::~AresChannel() {
  sockets_->end();
}

void AresChannel::ask(const std::string& name, RecordType type, Callback callback) {
  sockets_->ask(name, type, std::move(callback));
}

}  // namespace tidegate::upstream::dns
