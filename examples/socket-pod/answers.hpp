// What the pod answers to ordinary requests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

namespace tidegate::pod {

class Pod;

using Request = boost::beast::http::request<boost::beast::http::string_body>;
using Response = boost::beast::http::response<boost::beast::http::string_body>;

// A request target split at the `?`; views into the request.
struct Target {
  explicit Target(std::string_view text);

  // The value of a parameter, and the same as a number; `otherwise` where it is absent or no number.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;

  std::string_view path;
  std::string_view query;
};

// Whether this upgrade request becomes a WebSocket: its path is `/app/<key>` and the pod takes handshakes.
[[nodiscard]] bool opens_socket(const Request& request, const Pod& pod);

// The answer to any request but `/big`, which is streamed. `/control/ready` acts on the pod.
[[nodiscard]] Response make_answer(const Request& request, const Target& target, Pod& pod);

}  // namespace tidegate::pod
