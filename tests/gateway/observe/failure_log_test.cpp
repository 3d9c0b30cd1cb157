#include "gateway/observe/failure_log.hpp"

#include <algorithm>
#include <thread>
#include <vector>

#include "tests/gateway/observe/files.hpp"
#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"
#include "upstream/registry.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;

namespace {

const std::chrono::steady_clock::time_point start{1000s};

auto count_lines(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

TEST_CASE("an outage of a thousand requests is a few lines and a count") {
  const TemporaryFolder folder;
  const auto path = folder.file("error.log");
  {
    ErrorLog log({path, conf::LogLevel::info});
    FailureLog failures(log.logger());
    for (int i = 0; i < 1000; ++i) failures.report(refused_record(), start);
    failures.report(plain_record(), start);  // did not fail
    failures.summarise(start + 9s);
    failures.summarise(start + 10s);
    CHECK(log.dropped_lines() == 0);
  }
  const auto text = read_file(path);
  CHECK(count_lines(text) == 6);
  CHECK(contains(
      text, " [error] 502 connection_refused (The endpoint refused the connection) \"GET /index.html?a=1\""));
  CHECK(contains(text,
                 " [error] 502 connection_refused route=socket upstream=soketi endpoint=10.0.0.2:6001: 995 "
                 "similar suppressed within 10 s\n"));
}

TEST_CASE("what was suppressed is said at the end too") {
  const TemporaryFolder folder;
  const auto path = folder.file("error.log");
  {
    ErrorLog log({path, conf::LogLevel::info});
    FailureLog failures(log.logger());
    for (int i = 0; i < 7; ++i) failures.report(refused_record(), start);
  }
  CHECK(contains(read_file(path), "2 similar suppressed"));
}

TEST_CASE("the client's own faults are below the level error") {
  const TemporaryFolder folder;
  const auto path = folder.file("error.log");
  {
    ErrorLog log({path, conf::LogLevel::error});
    FailureLog failures(log.logger());
    auto record = refused_record();
    record.status = 400;
    record.failure = FailureReason::bad_request;
    failures.report(record, start);
    log.set_level(conf::LogLevel::debug);
    failures.report(record, start);
  }
  const auto text = read_file(path);
  CHECK(count_lines(text) == 1);
  CHECK(contains(text, " [info] 400 bad_request"));
}

TEST_CASE("the error log is opened anew at once, without waiting for a line") {
  const TemporaryFolder folder;
  const auto path = folder.file("error.log");
  ErrorLog log({path, conf::LogLevel::info});
  log.logger()->info("one");
  CHECK(eventually([&] { return count_lines(read_file(path)) == 1; }));
  std::filesystem::rename(path, path + ".1");
  log.reopen();
  CHECK(eventually([&] { return std::filesystem::exists(path); }));
  log.logger()->info("two");
  CHECK(eventually([&] { return contains(read_file(path), "[info] two"); }));
  CHECK(count_lines(read_file(path + ".1")) == 1);
}

TEST_CASE("many threads log without loss of more than they are told") {
  const TemporaryFolder folder;
  const auto path = folder.file("error.log");
  constexpr std::uint64_t threads = 4;
  constexpr std::uint64_t lines = 2'000;
  std::uint64_t overrun = 0;
  {
    ErrorLog log({path, conf::LogLevel::info}, 64);
    std::vector<std::thread> writers;
    for (std::uint64_t i = 0; i < threads; ++i) {
      writers.emplace_back([logger = log.logger()] {
        for (std::uint64_t n = 0; n < lines; ++n) logger->info("line {}", n);
      });
    }
    for (auto& writer : writers) writer.join();
    overrun = log.dropped_lines();
  }
  CHECK(static_cast<std::uint64_t>(count_lines(read_file(path))) + overrun == threads * lines);
}

TEST_CASE("a change of state is logged with its weight") {
  const TemporaryFolder folder;
  const auto path = folder.file("error.log");
  {
    ErrorLog log({path, conf::LogLevel::info});
    const upstream::Endpoint endpoint(1, "pod-0", {"10.0.0.1", 6001, {}}, 0);
    using upstream::EndpointState;
    log_transition(*log.logger(), endpoint, "soketi",
                   {EndpointState::ready, EndpointState::unready, "probe: HTTP 500", {}, sample_time()});
    log_transition(*log.logger(), endpoint, "soketi",
                   {EndpointState::unready, EndpointState::ready, "probe: HTTP 200", {}, sample_time()});
  }
  const auto text = read_file(path);
  CHECK(contains(text,
                 " [warning] endpoint soketi/pod-0 10.0.0.1:6001: ready -> unready (probe: HTTP 500) at "));
  CHECK(
      contains(text, " [info] endpoint soketi/pod-0 10.0.0.1:6001: unready -> ready (probe: HTTP 200) at "));
}
