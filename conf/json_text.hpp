// JSON laid out for people.
#pragma once

#include <string>

#include <boost/json/fwd.hpp>

namespace tidegate::conf {

// Two spaces per level, one member per line; arrays of scalars stay on one line.
[[nodiscard]] std::string indented_json(const boost::json::value& value);

}  // namespace tidegate::conf
