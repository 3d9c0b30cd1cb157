#include "conf/config.hpp"

namespace tidegate::conf {

std::string Address::text() const {
  if (is_unix()) return "unix:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Place Config::place_of(std::string_view path, const Place& otherwise) const {
  return locate ? locate(path).value_or(otherwise) : otherwise;
}

}  // namespace tidegate::conf
