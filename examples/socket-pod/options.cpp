#include "examples/socket-pod/options.hpp"

#include <charconv>
#include <stdexcept>

namespace tidegate::pod {

void set_listen_address(Options& options, const std::string& text) {
  const std::invalid_argument refused("'" + text + "' is not HOST:PORT, such as 127.0.0.1:6001");
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) throw refused;
  std::string host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const char* first = text.data() + colon + 1;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, options.port);
  if (error != std::errc{} || end != last) throw refused;
  options.host = std::move(host);
}

}  // namespace tidegate::pod
