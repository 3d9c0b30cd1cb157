// Server names of TLS clients (SNI, RFC 6066 3): reading them and finding who answers to them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tidegate::net {

// The host name in the body of a `server_name` extension: lower case, without the final dot. Empty if the
// extension is malformed or the name is none (RFC 1123 2.1, and underscores, which are in use); an IP literal
// is not a name.
[[nodiscard]] std::optional<std::string> parse_server_name(std::span<const std::uint8_t> extension);

// Names, exact or `*.parent`, each with a number. As in certificates a wildcard stands for one label (RFC
// 6125 6.4.3).
class ServerNames {
 public:
  // The first that is added for a name keeps it; false for any later one. `name` is in lower case.
  bool add(std::string_view name, std::size_t number);
  // Exact before wildcard. `name` in lower case.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
  // The same where a wildcard stands for one label or more, the longest one before the others: as routes
  // match hosts.
  [[nodiscard]] std::optional<std::size_t> find_within(std::string_view name) const;

 private:
  // A look-up is made for every request under TLS: it allocates nothing.
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Numbers = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;

  Numbers exact_;
  Numbers wildcards_;  // by what follows `*.`
};

}  // namespace tidegate::net
