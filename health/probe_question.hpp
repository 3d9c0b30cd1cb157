// What an HTTP probe asks.
#pragma once

#include <string>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "conf/config.hpp"

namespace tidegate::health {

// The Host of a question to this endpoint whose action names none; `port` is the one that is connected to.
[[nodiscard]] std::string authority_of(conf::Address address, std::uint16_t port);

[[nodiscard]] boost::beast::http::request<boost::beast::http::empty_body> make_question(
    const conf::HttpGetAction& action, const std::string& authority);

}  // namespace tidegate::health
