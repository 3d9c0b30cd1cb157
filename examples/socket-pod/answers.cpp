#include "examples/socket-pod/answers.hpp"

#include <charconv>
#include <sstream>

#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "examples/socket-pod/pod.hpp"

namespace tidegate::pod {

namespace http = boost::beast::http;

namespace {

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

bool is_socket_path(std::string_view path) {
  return path.starts_with("/app/") && path.size() > std::string_view("/app/").size();
}

// The head as the pod received it, for looking at what a proxy made of it.
std::string head_text(const Request& request) {
  std::ostringstream out;
  out << request.base();
  return out.str();
}

void fill(Response& response, http::status status, std::string body) {
  response.result(status);
  response.body() = std::move(body);
}

void order_ready(Response& response, const Target& target, Pod& pod) {
  ReadyOrder order;
  order.status = static_cast<unsigned>(target.number("status", 503));
  if (order.status < 200 || order.status > 599) {
    return fill(response, http::status::bad_request, "status must be 200 to 599\n");
  }
  if (!target.parameter("for").empty()) {
    order.until = Clock::now() + std::chrono::milliseconds(target.number("for", 0));
  }
  pod.order_ready(order);
  fill(response, http::status::ok, "done\n");
}

void answer_path(Response& response, const Request& request, const Target& target, Pod& pod) {
  const auto path = target.path;
  if (path == "/") return fill(response, http::status::ok, "OK\n");
  if (path == "/ready") {
    const auto status = pod.life().ready_status(Clock::now());
    return fill(response, http::int_to_status(status), status == 200 ? "OK\n" : "not ready\n");
  }
  if (path == "/accept-traffic") return fill(response, http::status::ok, "OK\n");
  if (path == "/stats") {
    response.set(http::field::content_type, "application/json");
    return fill(response, http::status::ok, pod.statistics() + "\n");
  }
  if (path == "/control/ready" && request.method() == http::verb::post) {
    return order_ready(response, target, pod);
  }
  if (path == "/slow") return fill(response, http::status::ok, "slow\n");
  if (path == "/echo") {
    response.set(http::field::content_type, request[http::field::content_type]);
    return fill(response, http::status::ok, request.body());
  }
  if (path == "/headers") return fill(response, http::status::ok, head_text(request));
  if (!is_socket_path(path)) return fill(response, http::status::not_found, "not found\n");
  if (boost::beast::websocket::is_upgrade(request)) {
    return fill(response, http::status::service_unavailable, "not ready\n");
  }
  response.set(http::field::upgrade, "websocket");
  response.set(http::field::connection, "Upgrade");
  fill(response, http::status::upgrade_required, "WebSocket only\n");
}

}  // namespace

Target::Target(std::string_view text) : path(text.substr(0, text.find('?'))) {
  if (path.size() < text.size()) query = text.substr(path.size() + 1);
}

std::string_view Target::parameter(std::string_view name) const {
  for (auto rest = query; !rest.empty();) {
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
  }
  return {};
}

std::uint64_t Target::number(std::string_view name, std::uint64_t otherwise) const {
  const auto text = parameter(name);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? value : otherwise;
}

bool opens_socket(const Request& request, const Pod& pod) {
  return is_socket_path(Target(view(request.target())).path) && pod.life().takes_handshakes();
}

Response make_answer(const Request& request, const Target& target, Pod& pod) {
  Response response{http::status::ok, request.version()};
  response.set("X-Pod", pod.name());
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.keep_alive(request.keep_alive());
  answer_path(response, request, target, pod);
  response.prepare_payload();
  // A HEAD gets the length of what GET would carry, and nothing of it (RFC 9110 9.3.2).
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

}  // namespace tidegate::pod
