// The connections of the admin listener. Included by admin.cpp and admin_session.cpp only: it needs Beast.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "gateway/observe/admin.hpp"

namespace tidegate::gateway {

using AdminProtocol = boost::asio::generic::stream_protocol;  // TCP and Unix sockets alike
using AdminSocket = boost::asio::basic_stream_socket<AdminProtocol, boost::asio::io_context::executor_type>;

class AdminSession;
class DescriptorReserve;

// Answers what only reads, by path.
[[nodiscard]] bool is_page(std::string_view target);
[[nodiscard]] AdminReply answer(const AdminSource& source, std::string_view target);

// The open sessions, bounded.
class AdminSessions {
 public:
  AdminSessions(AdminSource source, AdminLimits limits) : source_(std::move(source)), limits_(limits) {}
  ~AdminSessions() { close_all(); }
  AdminSessions(const AdminSessions&) = delete;
  AdminSessions& operator=(const AdminSessions&) = delete;

  // Serves a new connection; where there are too many, the longest idle one goes, or the new one if none is
  // idle. `reserve`: where its descriptor comes from and goes back to; null for an ordinary one.
  void open(AdminSocket socket, std::shared_ptr<DescriptorReserve> reserve);
  // False if none is idle.
  bool close_longest_idle();
  void close_all();

 private:
  std::list<std::weak_ptr<AdminSession>> sessions_;  // oldest first
  AdminSource source_;
  AdminLimits limits_;
};

}  // namespace tidegate::gateway
