#include "conf/config.hpp"

#include "conf/addresses.hpp"

namespace tidegate::conf {

std::string Address::text() const {
  if (is_unix()) return "unix:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Address::is_name() const {
  return !is_unix() && !is_ip_address(host);
}

Place Config::place_of(std::string_view path, const Place& otherwise) const {
  return locate ? locate(path).value_or(otherwise) : otherwise;
}

}  // namespace tidegate::conf
