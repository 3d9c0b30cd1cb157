// Whether files have changed, without reading them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tidegate::net {

// What is to be seen of a file from outside; changes when it is written, replaced or its symbolic link is
// moved (as Kubernetes does with the files of a Secret or ConfigMap). All zero: there is none.
struct FileStamp {
  std::int64_t written = 0;  // nanoseconds
  std::int64_t changed = 0;  // of its inode; nanoseconds
  std::uint64_t size = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] FileStamp stamp_of(const std::string& file);

// By name.
using FileStamps = std::map<std::string, FileStamp>;
[[nodiscard]] FileStamps stamps_of(const std::vector<std::string>& files);

}  // namespace tidegate::net
