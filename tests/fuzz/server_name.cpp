// The server_name extension of a ClientHello, and who answers to it. A name that is accepted is one that
// could be written into an extension again, and finds the same.
#include <cctype>
#include <vector>

#include "tests/fuzz/target.hpp"
#include "wire/net/server_names.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

std::vector<std::uint8_t> extension_of(std::string_view name) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(name.size() + 5);
  const auto push_size = [&bytes](std::size_t size) {
    bytes.push_back(static_cast<std::uint8_t>(size >> 8));
    bytes.push_back(static_cast<std::uint8_t>(size));
  };
  push_size(name.size() + 3);
  bytes.push_back(0);
  push_size(name.size());
  for (const char c : name) bytes.push_back(static_cast<std::uint8_t>(c));
  return bytes;
}

const net::ServerNames& names() {
  static const auto made = [] {
    net::ServerNames all;
    for (const auto* name : {"a.example", "*.a.example", "*.example", "b.test"}) (void)all.add(name, 1);
    return all;
  }();
  return made;
}

void check_name(const std::string& name) {
  require(!name.empty() && name.size() <= 253, "a name has 1 to 253 bytes");
  require(name.front() != '.' && name.back() != '.' && name.find("..") == std::string::npos,
          "no empty label");
  for (const char c : name)
    require(std::isdigit(static_cast<unsigned char>(c)) != 0 || (c >= 'a' && c <= 'z') || c == '-' ||
                c == '_' || c == '.',
            "lower case and no other bytes");
  const auto again = net::parse_server_name(extension_of(name));
  require(again == name, "the same name from its own extension");
  const auto dotted = net::parse_server_name(extension_of(name + "."));
  require(name.size() == 253 || dotted == name, "a final dot means nothing");
  (void)names().find(name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto name = net::parse_server_name({data, size})) check_name(*name);
  // The bytes as a name of their own, so that not only the lengths around it are tried.
  if (size <= 300) {
    if (const auto name = net::parse_server_name(extension_of(text_of(data, size)))) check_name(*name);
  }
  return 0;
}
