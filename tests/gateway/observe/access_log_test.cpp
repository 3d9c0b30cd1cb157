#include "gateway/observe/access_log.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/observe/failure_log.hpp"
#include "tests/gateway/observe/files.hpp"
#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;
using TimePoint = std::chrono::steady_clock::time_point;

namespace {

const TimePoint start{1000s};

conf::AccessLog to(const std::string& path) {
  return {true, path, conf::AccessFormat::combined};
}

auto count_lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

TEST_CASE("lines of all workers are complete once buffers and log are gone") {
  constexpr int workers = 3;
  constexpr int lines = 3'000;
  const TemporaryFolder folder;
  const auto path = folder.file("access.log");
  {
    const auto log = std::make_shared<AccessLog>(to(path), nullptr);
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; ++i) {
      threads.emplace_back([&] {
        AccessBuffer buffer(log);
        const auto record = plain_record();
        for (int n = 0; n < lines; ++n) buffer.append(record, start);
      });
    }
    for (int i = 0; i < 10; ++i) log->reopen();  // rotation in full swing loses nothing
    for (auto& thread : threads) thread.join();
    CHECK(log->dropped_lines() == 0);
  }
  const auto text = read_file(path);
  CHECK(count_lines(text) == workers * lines);
  std::string line;
  append_access_line(line, plain_record(), conf::AccessFormat::combined);
  CHECK(text.size() == line.size() * workers * lines);
}

TEST_CASE("a buffer hands over when it is full, or a second old") {
  const TemporaryFolder folder;
  const auto path = folder.file("access.log");
  const auto log = std::make_shared<AccessLog>(to(path), nullptr);
  AccessBuffer buffer(log);
  const auto record = plain_record();

  buffer.append(record, start);
  buffer.flush_if_old(start + 999ms);
  buffer.append(record, start + 999ms);
  CHECK(read_file(path).empty());
  buffer.flush_if_old(start + 1s);
  CHECK(eventually([&] { return count_lines(read_file(path)) == 2; }));

  int appended = 2;
  for (std::size_t size = 0; size <= AccessBuffer::full; ++appended) {
    std::string line;
    append_access_line(line, record, log->format());
    size += line.size();
    buffer.append(record, start);
  }
  CHECK(eventually([&] { return count_lines(read_file(path)) == appended; }));
}

TEST_CASE("after reopening, lines go to the new file") {
  const TemporaryFolder folder;
  const auto path = folder.file("access.log");
  const auto log = std::make_shared<AccessLog>(to(path), nullptr);
  AccessBuffer buffer(log);
  buffer.append(plain_record(), start);
  buffer.flush();
  CHECK(eventually([&] { return count_lines(read_file(path)) == 1; }));
  std::filesystem::rename(path, path + ".1");
  log->reopen();
  CHECK(eventually([&] { return std::filesystem::exists(path); }));
  buffer.append(plain_record(), start);
  buffer.flush();
  CHECK(eventually([&] { return count_lines(read_file(path)) == 1; }));
  CHECK(count_lines(read_file(path + ".1")) == 1);
}

TEST_CASE("a reader that stands still costs lines, never time") {
  const TemporaryFolder folder;
  const auto path = folder.file("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  {
    const auto log = std::make_shared<AccessLog>(to(path), nullptr, 256 * 1024);
    AccessBuffer buffer(log);
    const auto record = plain_record();
    for (int i = 0; i < 10'000; ++i) buffer.append(record, start);  // some 1 MB
    CHECK(log->dropped_lines() > 0);
    CHECK(log->dropped_lines() < 10'000);
  }  // gives up on what waits
  ::close(reader);
}

TEST_CASE("a full disk is counted and said once") {
  if (::access("/dev/full", W_OK) != 0) {
    WARN("skipped: no /dev/full");
    return;
  }
  const TemporaryFolder folder;
  {
    ErrorLog errors({folder.file("error.log"), conf::LogLevel::info});
    const auto log = std::make_shared<AccessLog>(to("/dev/full"), errors.logger());
    AccessBuffer buffer(log);
    for (int i = 1; i <= 5; ++i) {
      buffer.append(plain_record(), start);
      buffer.append(plain_record(), start);
      buffer.flush();
      const auto expected = static_cast<std::uint64_t>(i);
      CHECK(eventually([&] { return log->write_errors() == expected; }));
    }
    CHECK(log->dropped_lines() == 10);
  }
  const auto text = read_file(folder.file("error.log"));
  CHECK(count_lines(text) == 1);
  CHECK(text.find("cannot write access log /dev/full: No space left on device") != std::string::npos);
}

TEST_CASE("a reload changes the file between two lines") {
  const TemporaryFolder folder;
  {
    AccessBuffer buffer(std::make_shared<AccessLog>(to(folder.file("a")), nullptr));
    buffer.append(plain_record(), start);
    buffer.change(std::make_shared<AccessLog>(to(folder.file("b")), nullptr));
    buffer.append(plain_record(), start);
    buffer.append(plain_record(), start);
  }
  CHECK(count_lines(read_file(folder.file("a"))) == 1);
  CHECK(count_lines(read_file(folder.file("b"))) == 2);
}

TEST_CASE("without a log nothing is collected") {
  AccessBuffer buffer(nullptr);
  CHECK_FALSE(buffer.enabled());
  buffer.append(plain_record(), start);
  buffer.flush();
}
