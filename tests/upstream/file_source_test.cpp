#include "upstream/discovery/file_source.hpp"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
namespace fs = std::filesystem;

namespace {

struct Scene {
  explicit Scene(const std::string& text) {
    write(text);
    open();
  }
  Scene() { open(); }
  // Looks at it every so often.
  Scene(std::string path, std::chrono::milliseconds every) : name(std::move(path)), pause(every) { open(); }

  void open() {
    SourceEvents events;
    events.update = [this](const DiscoveryUpdate& update) { resets.push_back(std::get<Reset>(update)); };
    events.confirm = [] {};
    events.fail = [this](const std::string& why) { faults.push_back(why); };
    events.warn = [](const std::string&) {};
    source = std::make_unique<FileSource>(context, conf::FileSource{file()}, std::move(events), pause);
  }
  [[nodiscard]] std::string file() const { return folder.file(name); }
  void write(const std::string& text) const { std::ofstream(file()) << text; }
  void replace(const std::string& text) const {
    std::ofstream(folder.file("new")) << text;
    fs::rename(folder.file("new"), file());
  }
  void expect(std::size_t updates, std::size_t failures) {
    test::wait_until("updates and failures", [&] {
      context.restart();
      context.poll();
      return resets.size() >= updates && faults.size() >= failures;
    });
    CHECK(resets.size() == updates);
    CHECK(faults.size() == failures);
  }

  const std::string name = "pods.yaml";
  const std::chrono::milliseconds pause{600'000};
  boost::asio::io_context context;
  const test::TemporaryFolder folder;
  std::vector<Reset> resets;
  std::vector<std::string> faults;
  std::unique_ptr<FileSource> source;
};

}  // namespace

TEST_CASE("a file of endpoints is read at once and whenever it changes, by renaming too") {
  Scene scene("- 10.0.0.1:6001\n");
  CHECK(scene.resets.empty());  // never from within the constructor
  scene.expect(1, 0);
  CHECK(scene.resets[0].endpoints.at(0).address.text() == "10.0.0.1:6001");
  scene.replace("- 10.0.0.2:6001\n- { address: 10.0.0.3:6001, weight: 5, name: c }\n");
  scene.expect(2, 0);
  REQUIRE(scene.resets[1].endpoints.size() == 2);
  CHECK(scene.resets[1].endpoints[1].weight == 5);
  CHECK(scene.resets[1].endpoints[1].name == "c");
  scene.write("[]");
  scene.expect(3, 0);
  CHECK(scene.resets[2].endpoints.empty());
}

TEST_CASE("a file that is half written or faulty changes nothing and says so") {
  Scene scene("- 10.0.0.1:6001\n");
  scene.expect(1, 0);
  scene.write("- 10.0.0.1:6001\n- { address: 10.0.");
  scene.expect(1, 1);
  scene.write("- soketi:6001\n");
  scene.expect(1, 2);
  CHECK(scene.faults[1].find("pods.yaml:1:3: endpoints[0]: `soketi` is a name") != std::string::npos);
  scene.write("- 10.0.0.9:6001\n");
  scene.expect(2, 2);
}

TEST_CASE("a file that is not there yet is waited for") {
  Scene scene;
  scene.expect(0, 1);
  CHECK(scene.faults[0].find("No such file") != std::string::npos);
  scene.replace("- 10.0.0.1:6001\n");
  scene.expect(1, 1);
}

TEST_CASE("a source that is gone says nothing") {
  Scene scene("- 10.0.0.1:6001\n");
  scene.source.reset();
  scene.replace("- 10.0.0.2:6001\n");
  scene.context.run();
  CHECK(scene.resets.empty());
}

TEST_CASE("a folder that comes later, goes and comes back is followed all the same") {
  Scene scene("later/pods.yaml", std::chrono::milliseconds(20));
  scene.expect(0, 1);
  fs::create_directory(scene.folder.file("later"));
  scene.write("- 10.0.0.1:6001\n");
  const auto expect_address = [&](const std::string& address) {
    test::wait_until(address, [&] {
      scene.context.restart();
      scene.context.poll();
      return !scene.resets.empty() && !scene.resets.back().endpoints.empty() &&
             scene.resets.back().endpoints.at(0).address.text() == address;
    });
  };
  expect_address("10.0.0.1:6001");
  scene.write("- 10.0.0.2:6001\n");
  expect_address("10.0.0.2:6001");
  fs::rename(scene.folder.file("later"), scene.folder.file("gone"));
  fs::create_directory(scene.folder.file("later"));
  scene.write("- 10.0.0.3:6001\n");
  expect_address("10.0.0.3:6001");
  scene.write("- 10.0.0.4:6001\n");
  expect_address("10.0.0.4:6001");
}
