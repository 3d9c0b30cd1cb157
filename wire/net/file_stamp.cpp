#include "wire/net/file_stamp.hpp"

#include <sys/stat.h>

namespace tidegate::net {
namespace {

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const std::string& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return {};
  return {nanoseconds(about.st_mtim), nanoseconds(about.st_ctim), static_cast<std::uint64_t>(about.st_size),
          about.st_dev, about.st_ino};
}

FileStamps stamps_of(const std::vector<std::string>& files) {
  FileStamps stamps;
  for (const auto& file : files) stamps.emplace(file, stamp_of(file));
  return stamps;
}

}  // namespace tidegate::net
