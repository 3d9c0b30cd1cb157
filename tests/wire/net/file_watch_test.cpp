#include "wire/net/file_watch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/asio/io_context.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/patience.hpp"

using namespace tidegate;
using net::directories_of;
using net::FileWatch;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "tidegate-watch-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw test::Unexpected("no temporary folder");
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
  fs::path path;
};

// Kubernetes' way with a ConfigMap: the file is a link through `..data`, which is replaced as a whole.
struct ConfigMap : Folder {
  ConfigMap() {
    put("..1", "one");
    fs::create_symlink("..1", path / "..data");
    fs::create_symlink("..data/file.yaml", path / "file.yaml");
  }
  void put(const std::string& version, const std::string& text) const {
    fs::create_directory(path / version);
    write(version + "/file.yaml", text);
  }
  void swap_to(const std::string& version) const {
    fs::create_symlink(version, path / "..data_tmp");
    fs::rename(path / "..data_tmp", path / "..data");
  }
};

struct Watched {
  explicit Watched(const fs::path& file)
      : watch(context, file.string(), {[this] { ++changes; }, [](const std::string&) {}}) {}

  void expect_changes(int count) {
    test::wait_until(std::to_string(count) + " changes", [&] {
      context.restart();
      context.poll();
      return changes >= count;
    });
    CHECK(changes == count);
  }

  boost::asio::io_context context;
  int changes = 0;
  FileWatch watch;
};

}  // namespace

TEST_CASE("a file that is written, or that another is renamed over, has changed") {
  const Folder folder;
  folder.write("file.yaml", "one");
  Watched watched(folder.path / "file.yaml");
  folder.write("file.yaml", "two, longer");
  watched.expect_changes(1);
  folder.write("other", "not ours");
  folder.write("new", "three");
  fs::rename(folder.path / "new", folder.path / "file.yaml");
  watched.expect_changes(2);
}

TEST_CASE("the links of a ConfigMap are followed, again and again") {
  const ConfigMap map;
  Watched watched(map.path / "file.yaml");
  for (int i = 2; i < 5; ++i) {
    const auto version = ".." + std::to_string(i);
    map.put(version, "version " + version);
    map.swap_to(version);
    watched.expect_changes(i - 1);
  }
}

TEST_CASE("the directories of all links on the way are watched") {
  const ConfigMap map;
  const auto directories = directories_of((map.path / "file.yaml").string());
  const auto has = [&](const fs::path& path) {
    return std::find(directories.begin(), directories.end(), path.string()) != directories.end();
  };
  CHECK(has(map.path));
  CHECK(has(map.path / "..1"));
}
