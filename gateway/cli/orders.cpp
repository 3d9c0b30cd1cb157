#include "gateway/cli/orders.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>

#include "gateway/observe/admin_commands.hpp"

namespace tidegate::gateway {
namespace {

namespace http = boost::beast::http;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr std::chrono::milliseconds kLookAgain{100};
constexpr int kNotRunning = 3;

std::string advice(const error_code& error) {
  if (error == boost::asio::error::connection_refused)
    return "the gateway that made it is gone: is tidegate running?";
  if (error == boost::system::errc::no_such_file_or_directory)
    return "is tidegate running? Without `admin.socket: PATH` in its configuration it takes commands only "
           "where /run/tidegate is there or can be made; name the file with -c, or the socket with --socket";
  if (error == boost::asio::error::access_denied)
    return "only the user that tidegate runs as, and root, may use it: try sudo";
  return "is tidegate running?";
}

struct Reply {
  int status = 0;
  std::string body;
};

// One request on a connection of its own. Nothing, and a line on stderr, if there is no answer.
std::optional<Reply> ask(const std::string& socket, http::verb method, const std::string& target) {
  boost::asio::io_context context;
  boost::asio::local::stream_protocol::socket stream(context);
  error_code error;
  try {
    stream.connect(socket, error);
  } catch (const boost::system::system_error& fault) {
    error = fault.code();  // the path is too long
  }
  if (error) {
    std::fprintf(stderr, "cannot reach the gateway at %s: %s; %s\n", socket.c_str(), error.message().c_str(),
                 advice(error).c_str());
    return std::nullopt;
  }
  http::request<http::empty_body> request(method, target, 11);
  request.set(http::field::host, "tidegate");
  request.set(http::field::connection, "close");
  http::write(stream, request, error);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  if (!error) http::read(stream, buffer, response, error);
  if (error) {
    std::fprintf(stderr, "the gateway at %s gave no answer: %s\n", socket.c_str(), error.message().c_str());
    return std::nullopt;
  }
  return Reply{static_cast<int>(response.result_int()), std::move(response.body())};
}

int show(const std::optional<Reply>& reply) {
  if (!reply) return 1;
  const bool done = reply->status == 200;
  std::fputs(reply->body.c_str(), done ? stdout : stderr);
  return done ? 0 : 1;
}

int order(const std::string& socket, const std::string& target) {
  return show(ask(socket, http::verb::post, target));
}

struct DrainState {
  bool draining = false;
  bool accepting = true;
  std::int64_t requests = 0;
  std::int64_t tunnels = 0;

  [[nodiscard]] bool empty() const { return !accepting && requests == 0 && tunnels == 0; }
};

std::optional<DrainState> state_in(const std::string& text) {
  error_code error;
  const auto value = boost::json::parse(text, error);
  const auto* const object = value.if_object();
  if (error || object == nullptr) return std::nullopt;
  const auto flag = [&](const char* name) {
    const auto* found = object->if_contains(name);
    return found != nullptr && found->is_bool() && found->get_bool();
  };
  const auto number = [&](const char* name) -> std::int64_t {
    const auto* found = object->if_contains(name);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
  };
  return DrainState{flag("draining"), flag("accepting"), number("requests"), number("tunnels")};
}

int await_drain(const std::string& socket, std::chrono::milliseconds timeout) {
  const auto deadline = timeout.count() > 0 ? Clock::now() + timeout : Clock::time_point::max();
  for (;;) {
    const auto reply = ask(socket, http::verb::get, "/drain");
    if (!reply) return 1;
    const auto state = state_in(reply->body);
    if (!state || reply->status != 200) {
      std::fprintf(stderr, "the gateway at %s answers what is not understood: %s\n", socket.c_str(),
                   reply->body.c_str());
      return 1;
    }
    if (!state->draining) {
      std::fprintf(stderr, "the drain was taken back meanwhile\n");
      return 1;
    }
    if (state->empty()) {
      std::printf("drained: no request and no WebSocket is left\n");
      return 0;
    }
    if (Clock::now() >= deadline) {
      std::fprintf(stderr,
                   "the time is over: %lld requests and %lld WebSockets are left; the drain goes on\n",
                   static_cast<long long>(state->requests), static_cast<long long>(state->tunnels));
      return 1;
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(kLookAgain, deadline - Clock::now()));
  }
}

}  // namespace

int order_reload(const std::string& socket) {
  return order(socket, "/reload");
}

int order_status(const std::string& socket, bool json) {
  const auto reply = ask(socket, http::verb::get, json ? "/status?format=json" : "/status");
  if (!reply) return kNotRunning;
  const bool understood = reply->status == 200 || reply->status == 503;
  std::fputs(reply->body.c_str(), understood ? stdout : stderr);
  if (!understood) return kNotRunning;
  return reply->status == 200 ? 0 : 1;
}

int order_upgrade(const std::string& socket, const std::string& program) {
  if (program.empty()) return order(socket, "/upgrade");
  return order(socket, "/upgrade?program=" + escape_address(std::filesystem::absolute(program).string()));
}

int order_drain(const std::string& socket, const DrainWait& wait) {
  const int status = order(socket, "/drain");
  if (status != 0 || !wait.wait) return status;
  std::fflush(stdout);
  return await_drain(socket, wait.timeout);
}

int order_undrain(const std::string& socket) {
  return order(socket, "/undrain");
}

int order_endpoint(const std::string& socket, const std::string& address, const std::string& upstream,
                   bool drain) {
  auto target = "/endpoints/" + escape_address(address) + (drain ? "/drain" : "/undrain");
  if (!upstream.empty()) target += "?upstream=" + escape_address(upstream);
  return order(socket, target);
}

}  // namespace tidegate::gateway
