#include "health/probe_question.hpp"

#include <utility>

namespace tidegate::health {

namespace http = boost::beast::http;

std::string authority_of(conf::Address address, std::uint16_t port) {
  address.port = port;
  return address.is_unix() ? "localhost" : address.text();
}

http::request<http::empty_body> make_question(const conf::HttpGetAction& action,
                                              const std::string& authority) {
  const bool rooted = action.path.starts_with('/');
  http::request<http::empty_body> request(http::verb::get, rooted ? action.path : "/" + action.path, 11);
  request.set(http::field::host, action.host.empty() ? authority : action.host);
  request.set(http::field::user_agent, "kube-probe/tidegate");  // the prefix is what applications look for
  request.set(http::field::accept, "*/*");
  for (const auto& header : action.http_headers) {
    const auto field = http::string_to_field(header.name);
    if (field == http::field::host || field == http::field::user_agent || field == http::field::accept) {
      request.set(field, header.value);
    } else if (field != http::field::connection) {
      request.insert(header.name, header.value);
    }
  }
  request.set(http::field::connection, "close");
  return request;
}

}  // namespace tidegate::health
