// Where a command looks for the running gateway.
#include "gateway/cli/command_socket.hpp"

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace tidegate;
using gateway::find_command_socket;

namespace {

struct Scene {
  [[nodiscard]] std::string file(const std::string& text) const {
    std::ofstream(folder.file("t.yaml")) << text;
    return folder.file("t.yaml");
  }
  test::TemporaryFolder folder;
};

}  // namespace

TEST_CASE("the socket is the one that the file names, also where the file is faulty elsewhere") {
  const Scene scene;
  const auto named = scene.file("admin: { socket: /run/a.sock }\nlistener: 5\n");
  CHECK(*find_command_socket(named, true) == "/run/a.sock");
  CHECK(*find_command_socket(scene.file("listeners: [':80']\n"), true) == gateway::kStandardSocket);
}

// A typo in `tidegate drain -c FILE` drained whatever gateway has the standard socket.
TEST_CASE("a file that was named and cannot be read is not another gateway's") {
  const Scene scene;
  const auto missing = find_command_socket(scene.folder.file("none.yaml"), true);
  REQUIRE(missing.has_error());
  CHECK(missing.error().why ==
        scene.folder.file("none.yaml") +
            ": cannot be read: No such file or directory; the admin socket of its gateway "
            "can be named with --socket instead");
  CHECK(find_command_socket(scene.folder.path(), true).has_error());  // a directory
  const auto broken = find_command_socket(scene.file("listeners: [\n"), true);
  REQUIRE(broken.has_error());
  CHECK(broken.error().why.find("t.yaml:") != std::string::npos);
}

TEST_CASE("the usual file need not be there, nor be in order") {
  const Scene scene;
  for (const auto& file : {scene.folder.file("none.yaml"), scene.folder.path(), scene.file("listeners: [\n")})
    CHECK(*find_command_socket(file, false) == gateway::kStandardSocket);
}
