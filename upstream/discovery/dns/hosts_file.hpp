// What /etc/hosts says (hosts(5)): pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "upstream/discovery/dns/answer.hpp"

namespace tidegate::upstream::dns {

class HostsFile {
 public:
  HostsFile() = default;
  // Lines that make no sense are passed over; of a name on several lines all addresses count.
  explicit HostsFile(std::string_view text);

  // Whether it has the name, in any case of its letters and with or without final dot.
  [[nodiscard]] bool has(std::string_view name) const;
  // Its addresses of the type's family; `no_records` where it has none of them, or for a type that is no
  // address. True for a few seconds, since nobody says when the file is written next.
  [[nodiscard]] Answer answer(std::string_view name, RecordType type) const;

 private:
  struct Addresses {
    std::vector<std::string> ipv4;
    std::vector<std::string> ipv6;
  };
  std::map<std::string, Addresses> hosts_;
};

}  // namespace tidegate::upstream::dns
