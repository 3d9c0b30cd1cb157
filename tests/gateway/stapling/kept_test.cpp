// Responses that outlive the process.
#include <filesystem>
#include <fstream>

#include "gateway/process/staple_files.hpp"
#include "tests/gateway/stapling/scene.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace tidegate::test;
using namespace std::chrono_literals;

TEST_CASE("a response outlives a restart while the responder is down, as long as it is good") {
  Scene t;
  StaplerOptions options;
  options.folder = t.ca.folder() / "state";
  std::filesystem::create_directory(options.folder);
  t.responder.answer(t.ca.say(t.issued, {.to = 10h}));
  t.start(options);
  t.wait_for(StapleResult::good);
  const auto first = t.server->staples()[0]->at(t.now);
  t.responder.answer(tried_later());

  const auto restart = [&] {
    t.stapler.reset();
    t.server = t.serve(t.issued);
    t.start(options);
  };
  restart();
  REQUIRE(t.stapled());
  CHECK(t.server->staples()[0]->at(t.now)->der == first->der);
  CHECK(t.server->staples()[0]->at(t.now)->expires == first->expires);
  CHECK(t.logged(": response kept in " + options.folder + ", good until "));
  t.wait_for(StapleResult::refused);  // it is asked nevertheless
  CHECK(t.logged("; the response in use is good until "));

  SECTION("until it expires") {
    t.now += 11h;
    restart();
    CHECK_FALSE(t.stapled());
  }
  SECTION("unless somebody else has written it") {
    Authority impostor;
    for (const auto& file : std::filesystem::directory_iterator(options.folder))
      std::ofstream(file.path(), std::ios::binary) << impostor.say(t.issued);
    restart();
    CHECK_FALSE(t.stapled());
  }
  SECTION("unless it was cut") {
    for (const auto& file : std::filesystem::directory_iterator(options.folder))
      std::filesystem::resize_file(file.path(), 10);
    restart();
    CHECK_FALSE(t.stapled());
  }
}

TEST_CASE("a response without an end of its own does not begin anew with each restart") {
  Scene t;
  StaplerOptions options;
  options.folder = t.ca.folder();
  t.responder.answer(t.ca.say(t.issued, {.to = std::nullopt}));
  t.start(options);
  t.wait_for(StapleResult::good);
  t.stapler.reset();
  t.server = t.serve(t.issued);
  t.responder.answer(tried_later());
  t.start(options);
  CHECK_FALSE(t.stapled());
}

TEST_CASE("a folder that cannot be written is told, and the response served all the same") {
  Scene t;
  StaplerOptions options;
  options.folder = "/none";
  t.start(options);
  t.wait_for(StapleResult::good);
  CHECK(t.stapled());
  CHECK(t.logged("this response will not outlive a restart: /none/ocsp-"));
}

TEST_CASE("responses that nobody has renewed for long are removed, other files stay") {
  const Authority ca;
  const auto folder = ca.folder() / "state";
  std::filesystem::create_directory(folder);
  const auto put = [&](const std::string& name, std::chrono::hours age) {
    std::ofstream(folder / name) << "x";
    std::filesystem::last_write_time(folder / name, std::filesystem::file_time_type::clock::now() - age);
  };
  put("ocsp-old.der", 91 * 24h);
  put("ocsp-young.der", 24h);
  put("other.der", 91 * 24h);
  const StapleFiles files(folder);
  CHECK_FALSE(std::filesystem::exists(folder / "ocsp-old.der"));
  CHECK(std::filesystem::exists(folder / "ocsp-young.der"));
  CHECK(std::filesystem::exists(folder / "other.der"));
}
