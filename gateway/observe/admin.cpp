#include "gateway/observe/admin.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/observe/admin_session.hpp"
#include "gateway/observe/descriptor_reserve.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

namespace {

namespace asio = boost::asio;
using Acceptor = asio::basic_socket_acceptor<AdminProtocol, asio::io_context::executor_type>;
using Endpoint = AdminProtocol::endpoint;
using boost::system::error_code;

constexpr std::chrono::milliseconds accept_back_off{100};
constexpr std::size_t reserve_size = 4;

bool is_out_of_descriptors(const error_code& error) {
  return error.category() == boost::system::system_category() &&
         (error.value() == EMFILE || error.value() == ENFILE);
}

[[noreturn]] void fail(const conf::Address& address, const std::string& why) {
  throw std::runtime_error("admin listener " + address.text() + ": " + why);
}

[[noreturn]] void fail(const conf::Address& address, const error_code& error) {
  if (error == asio::error::address_in_use) {
    fail(address, "the address is already in use (by another tidegate?); set admin.address to a free one");
  }
  if (error == asio::error::access_denied)
    fail(address, "permission denied; set admin.address to another one");
  fail(address, error.message());
}

Endpoint resolve(asio::io_context& context, const conf::Address& address) {
  if (address.is_unix()) {
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (address.path.size() > longest)
      fail(address, "the path is longer than " + std::to_string(longest) + " bytes");
    return asio::local::stream_protocol::endpoint(address.path);
  }
  error_code error;
  const auto literal = asio::ip::make_address(address.host, error);
  if (!error) return asio::ip::tcp::endpoint(literal, address.port);
  asio::ip::tcp::resolver resolver(context);
  const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error) fail(address, "cannot resolve the name: " + error.message());
  return found.begin()->endpoint();
}

// A socket file that nobody listens on any more blocks the address for ever; one that answers is somebody's.
void remove_dead_socket(asio::io_context& context, const conf::Address& address) {
  struct stat status {};
  if (::lstat(address.path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) fail(address, "there is a file of that name which is not a socket");
  asio::local::stream_protocol::socket probe(context);
  error_code error;
  probe.connect(address.path, error);
  if (error == asio::error::connection_refused) ::unlink(address.path.c_str());
}

}  // namespace

// Outlives the `Admin` for as long as handlers are queued; `stop` makes these do nothing.
class Admin::Server : public AdminSessions, public std::enable_shared_from_this<Server> {
 public:
  Server(asio::io_context& context, conf::Address address, AdminSource source, AdminLimits limits,
         net::UniqueFd inherited)
      : AdminSessions(source, limits),
        commands_(source.command != nullptr),
        address_(std::move(address)),
        context_(context),
        acceptor_(context),
        back_off_(context) {
    const auto endpoint = resolve(context, address_);
    error_code error;
    if (inherited) {
      acceptor_.assign(endpoint.protocol(), inherited.get(), error);
      if (error) fail(address_, error);
      (void)inherited.release();
      return;
    }
    if (address_.is_unix()) remove_dead_socket(context, address_);
    acceptor_.open(endpoint.protocol(), error);
    if (error) fail(address_, error);
    acceptor_.native_non_blocking(true, error);  // for `accept_on_reserve`
    if (error) fail(address_, error);
    // For TCP this permits binding over connections in TIME_WAIT, never over a listener.
    acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    // Before there is a file: Linux gives it the mode of the socket's own inode, so that nobody finds it open
    // to all for a moment.
    if (address_.is_unix() && commands_ && ::fchmod(acceptor_.native_handle(), 0600) != 0)
      fail(address_, error_code(errno, boost::system::system_category()));
    acceptor_.bind(endpoint, error);
    if (error) fail(address_, error);
    bound_ = address_.is_unix();
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) fail(address_, error);
  }

  ~Server() { remove_own_socket(); }

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, AdminSocket socket) {
      if (!self->acceptor_.is_open()) return;
      if (!error) {
        self->reserve_->refill();
        self->open(std::move(socket), nullptr);
      }
      const bool passed = !error || error == asio::error::connection_aborted ||
                          (is_out_of_descriptors(error) && self->accept_on_reserve());
      if (!passed) return self->accept_later();
      self->accept();
    });
  }

  void stop() {
    error_code ignored;
    acceptor_.close(ignored);
    back_off_.cancel();
    close_all();
    remove_own_socket();
  }

  [[nodiscard]] net::UniqueFd copy_of_socket() {
    net::UniqueFd copy(::fcntl(acceptor_.native_handle(), F_DUPFD_CLOEXEC, 0));
    if (!copy) fail(address_, error_code(errno, boost::system::system_category()));
    return copy;
  }

  void own_file() { bound_ = address_.is_unix(); }

  void hand_over() {
    bound_ = false;
    error_code ignored;
    acceptor_.close(ignored);
    back_off_.cancel();
  }

  [[nodiscard]] std::uint16_t port() const {
    error_code error;
    const auto endpoint = acceptor_.local_endpoint(error);
    if (error || address_.is_unix()) return 0;
    asio::ip::tcp::endpoint tcp;
    std::copy_n(reinterpret_cast<const char*>(endpoint.data()), endpoint.size(),
                reinterpret_cast<char*>(tcp.data()));
    return tcp.port();
  }

 private:
  // The process has no descriptor left: one that was kept aside serves the connection that waits.
  [[nodiscard]] bool accept_on_reserve() {
    if (!reserve_->give_up_one()) {
      if (!close_longest_idle()) return false;
      (void)reserve_->give_up_one();  // what was closed may be one of the reserve
    }
    error_code error;
    const auto local = acceptor_.local_endpoint(error);
    net::UniqueFd accepted(::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
    AdminSocket socket(context_);
    if (accepted && !error) socket.assign(local.protocol(), accepted.get(), error);
    if (!accepted || error) {
      reserve_->take_back(std::move(accepted));
      reserve_->refill();
      return false;
    }
    (void)accepted.release();
    open(std::move(socket), reserve_);
    return true;
  }
  // Accepting at once again what stays in the queue would spin.
  void accept_later() {
    back_off_.expires_after(accept_back_off);
    back_off_.async_wait([self = shared_from_this()](error_code) {
      self->reserve_->refill();
      if (self->acceptor_.is_open()) self->accept();
    });
  }
  void remove_own_socket() {
    if (std::exchange(bound_, false)) ::unlink(address_.path.c_str());
  }

  const bool commands_;
  const conf::Address address_;
  const std::shared_ptr<DescriptorReserve> reserve_ = std::make_shared<DescriptorReserve>(reserve_size);
  asio::io_context& context_;
  Acceptor acceptor_;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>,
                             asio::io_context::executor_type>
      back_off_;
  bool bound_ = false;  // the Unix socket's file is ours
};

Admin::Admin(asio::io_context& context, const conf::Address& address, AdminSource source, AdminLimits limits,
             net::UniqueFd inherited)
    : server_(std::make_shared<Server>(context, address, std::move(source), limits, std::move(inherited))) {
  server_->accept();
}

Admin::~Admin() {
  server_->stop();
}

net::UniqueFd Admin::copy_of_socket() const {
  return server_->copy_of_socket();
}

void Admin::own_file() {
  server_->own_file();
}

void Admin::hand_over() {
  server_->hand_over();
}

std::uint16_t Admin::port() const {
  return server_->port();
}

}  // namespace tidegate::gateway
