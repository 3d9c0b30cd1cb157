#include "health/probe_question.hpp"

#include <utility>

namespace tidegate::health {

namespace beast = boost::beast;

std::string authority_of(conf::Address address, std::uint16_t port) {
  address.port = port;
  return address.is_unix() ? "localhost" : address.text();
}

beast::http::request<beast::http::empty_body> make_question(const conf::HttpGetAction& action,
                                                            const std::string& authority) {
  const bool rooted = action.path.starts_with('/');
  beast::http::request<beast::http::empty_body> request(beast::http::verb::get,
                                                        rooted ? action.path : "/" + action.path, 11);
  request.set(beast::http::field::host, action.host.empty() ? authority : action.host);
  request.set(beast::http::field::user_agent,
              "kube-probe/tidegate");  // the prefix is what applications look for
  request.set(beast::http::field::accept, "*/*");
  for (const auto& header : action.http_headers) {
    const auto field = beast::http::string_to_field(header.name);
    if (field == beast::http::field::host || field == beast::http::field::user_agent ||
        field == beast::http::field::accept) {
      request.set(field, header.value);
    } else if (field != beast::http::field::connection) {
      request.insert(header.name, header.value);
    }
  }
  request.set(beast::http::field::connection, "close");
  return request;
}

}  // namespace tidegate::health
