#include "wire/net/whole_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/net/unique_fd.hpp"

namespace tidegate::net {
namespace {

using Result = boost::system::result<std::string, UnreadableFile>;

Result refusal(std::string why) {
  return {boost::system::in_place_error, UnreadableFile{std::move(why)}};
}

Result unreadable(int error) {
  std::string why = std::string("cannot be read: ") + std::strerror(error);
  if (error == EACCES) why += "; the user that tidegate runs as needs to read it";
  return refusal(std::move(why));
}

}  // namespace

Result read_whole_file(const std::string& file, std::size_t most) {
  const UniqueFd descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat about {};
  if (!descriptor || ::fstat(descriptor.get(), &about) != 0) return unreadable(errno);
  if (S_ISDIR(about.st_mode)) return refusal("is not a file but a directory");
  if (!S_ISREG(about.st_mode)) return refusal("is not a file");
  return read_open_file(descriptor.get(), static_cast<std::size_t>(about.st_size), most);
}

Result read_open_file(int descriptor, std::size_t size, std::size_t most) {
  std::string text;
  std::size_t filled = 0;
  const auto too_large = [most] { return refusal("is larger than " + std::to_string(most) + " bytes"); };
  if (size > most) return too_large();
  // One byte more than it should have: the end is seen without another call, and growth is noticed.
  text.resize(size + 1);
  for (;;) {
    if (filled == text.size()) text.resize(std::min(most + 1, std::max<std::size_t>(4096, 2 * filled)));
    const auto count = ::read(descriptor, text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unreadable(errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
    if (filled > most) return too_large();
  }
  text.resize(filled);
  return {boost::system::in_place_value, std::move(text)};
}

}  // namespace tidegate::net
