// What is measured: tidegate, nginx or HAProxy in front of one server, set up alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/child.hpp"
#include "tests/bench/options.hpp"

namespace tidegate::bench {

enum class Kind : std::uint8_t { tidegate, nginx, haproxy };
[[nodiscard]] const char* name_of(Kind kind);

// A folder for configurations and logs, removed with all that is in it.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Layout {
  std::string folder;
  std::uint16_t port = 0;
  std::uint16_t admin_port = 0;  // tidegate's
  std::uint16_t server_port = 0;
  int sockets = 0;          // that it must be able to hold at once
  std::string certificate;  // file of what it shows to clients, and of its key; empty: clear text
  std::string key;
  bool half_open = false;  // tidegate has a short keepalive: a peer that vanished is given up within seconds
  std::string source;      // tidegate: a line of YAML in place of its endpoints; empty: the server
  std::string inspect;     // tidegate: what is done about frames; empty: its default
};
[[nodiscard]] std::string configuration(Kind kind, const Layout& layout);

// A running hop.
class Hop {
 public:
  // nullopt where the program is missing, after saying so; `none` leaves it out in silence. Throws
  // std::runtime_error with the end of its log if it does not start.
  [[nodiscard]] static std::optional<Hop> start(Kind kind, const Options& options, std::uint16_t server_port);

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] std::uint16_t port() const { return layout_.port; }
  [[nodiscard]] pid_t process() const { return child_.id(); }
  // With its worker processes.
  [[nodiscard]] std::vector<pid_t> processes() const;
  // tidegate's /metrics.
  [[nodiscard]] std::string metrics() const;

 private:
  Hop(Kind kind, Child child, Layout layout)
      : kind_(kind), child_(std::move(child)), layout_(std::move(layout)) {}

  Kind kind_;
  Child child_;
  Layout layout_;
};

}  // namespace tidegate::bench
