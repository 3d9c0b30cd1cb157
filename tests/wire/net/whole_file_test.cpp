#include "wire/net/whole_file.hpp"

#include <filesystem>

#include <sys/stat.h>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"

using namespace tidegate::net;
using namespace tidegate::test;

namespace {

std::string refusal_of(const std::string& file, std::size_t most = kLargestFile) {
  const auto read = read_whole_file(file, most);
  return read ? "read" : read.error().why;
}

}  // namespace

TEST_CASE("a file is read to its end, whatever size it is said to have") {
  const Authority folder;
  CHECK(*read_whole_file(folder.write("empty", "")) == "");
  const std::string zero("a\0b\n", 4);
  CHECK(*read_whole_file(folder.write("short", zero)) == zero);
  CHECK(read_whole_file("/proc/self/status")->ends_with('\n'));  // its size is 0
}

TEST_CASE("what is no file is refused without waiting for it") {
  const Authority folder;
  const auto pipe = (folder.folder() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(refusal_of(folder.folder().string()) == "is not a file but a directory");
  CHECK(refusal_of(pipe) == "is not a file");
  CHECK(refusal_of("/dev/zero") == "is not a file");
  CHECK(refusal_of("/none") == "cannot be read: No such file or directory");
}

TEST_CASE("a file that is too large is refused") {
  const Authority folder;
  const auto file = folder.write("five", "12345");
  CHECK(refusal_of(file, 5) == "read");
  CHECK(refusal_of(file, 4) == "is larger than 4 bytes");
  CHECK(refusal_of("/proc/self/status", 8) == "is larger than 8 bytes");
}
