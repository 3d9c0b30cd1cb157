#include "gateway/observe/log_file.hpp"

#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/gateway/observe/files.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;

TEST_CASE("a log file is appended to and opened anew by its name") {
  const TemporaryFolder folder;
  const auto path = folder.file("a.log");
  std::ofstream(path) << "before\n";
  LogFile file(path);
  CHECK_FALSE(file.write("one\n"));
  CHECK(read_file(path) == "before\none\n");

  std::filesystem::rename(path, path + ".1");
  CHECK_FALSE(file.write("two\n"));
  CHECK_FALSE(file.reopen());
  CHECK_FALSE(file.write("three\n"));
  CHECK(read_file(path + ".1") == "before\none\ntwo\n");
  CHECK(read_file(path) == "three\n");
}

TEST_CASE("a file that cannot be opened is named") {
  const TemporaryFolder folder;
  CHECK(contains(complaint_of([&] { LogFile file(folder.file("none/a.log")); }), "none/a.log"));
}

TEST_CASE("when reopening fails the old file stays in use") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("d"));
  LogFile file(folder.file("d/a.log"));
  std::filesystem::rename(folder.file("d"), folder.file("e"));
  CHECK(file.reopen() == std::errc::no_such_file_or_directory);
  CHECK_FALSE(file.write("x\n"));
  CHECK(read_file(folder.file("e/a.log")) == "x\n");
}

TEST_CASE("a pipe whose reader stands still is given up in a hurry only") {
  const TemporaryFolder folder;
  const auto path = folder.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  {
    LogFile file(path);
    std::error_code result;
    std::thread writer([&] { result = file.write(std::string(1 << 20, 'x')); });
    file.hurry();
    writer.join();
    CHECK(result == std::errc::timed_out);
    CHECK(file.write("more") == std::errc::timed_out);
  }
  ::close(reader);
}

TEST_CASE("a full disk is an error value") {
  if (::access("/dev/full", W_OK) != 0) {
    WARN("skipped: no /dev/full");
    return;
  }
  LogFile file("/dev/full");
  CHECK(file.write("x\n") == std::errc::no_space_on_device);
}
