// Small files, read at once.
#pragma once

#include <cstddef>
#include <string>

#include <boost/system/result.hpp>

namespace tidegate::net {

constexpr std::size_t kLargestFile = 64 * 1024 * 1024;  // revocation lists are the largest of what is read

struct UnreadableFile {
  std::string why;  // for people
};

// The content of a file, or why it cannot be read: the system's reason, `is not a file` of a
// directory, a device or a pipe (which are not waited for), `is larger than` `most` bytes. Blocks: not for a
// worker.
[[nodiscard]] boost::system::result<std::string, UnreadableFile> read_whole_file(
    const std::string& file, std::size_t most = kLargestFile);

// The same of a file that is open, from where it stands to its end; what it is was looked at before.
[[nodiscard]] boost::system::result<std::string, UnreadableFile> read_open_file(int descriptor,
                                                                                std::size_t size,
                                                                                std::size_t most);

}  // namespace tidegate::net
