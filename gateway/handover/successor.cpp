#include "gateway/handover/successor.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tidegate::gateway {
namespace {

constexpr int kChannel = 3;  // its number in the new process

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  all.push_back(std::string(handover_variable) + "=" + std::to_string(kChannel));
  return all;
}

// Of posix_spawn, which want to be destroyed.
struct Actions {
  Actions() { ::posix_spawn_file_actions_init(&actions); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions); }
  posix_spawn_file_actions_t actions{};
};

struct Attributes {
  Attributes() { ::posix_spawnattr_init(&attributes); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes); }
  posix_spawnattr_t attributes{};
};

// Its descriptors are those of any new process, and the channel. Its signals do what they do by default.
pid_t spawn(const SuccessorProgram& program, int channel) {
  Actions files;
  ::posix_spawn_file_actions_adddup2(&files.actions, channel, kChannel);
  ::posix_spawn_file_actions_addclosefrom_np(&files.actions, kChannel + 1);
  Attributes attributes;
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes.attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes.attributes, &all);
  ::posix_spawnattr_setflags(&attributes.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  auto arguments = program.arguments;
  auto variables = environment();
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.program.c_str(), &files.actions, &attributes.attributes,
                                  pointers_to(arguments).data(), pointers_to(variables).data());
  if (error != 0)
    throw HandoverFault("cannot start " + program.program + ": " + std::system_category().message(error));
  return pid;
}

}  // namespace

Successor::Successor(const SuccessorProgram& program) : channel_(net::UniqueFd()) {
  auto ends = open_handover();
  pid_ = spawn(program, ends.theirs.get());
  channel_ = HandoverChannel(std::move(ends.ours));
}

Successor::~Successor() {
  (void)end();
}

std::string Successor::end() {
  const auto pid = std::exchange(pid_, -1);
  if (pid <= 0) return {};
  int status = 0;
  pid_t ended = 0;
  // It may have closed the channel and be about to end: its status tells more than ours.
  for (int i = 0; i < 20 && ended == 0; ++i) {
    ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == 0) ::usleep(5'000);
  }
  if (ended == 0) {
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return {};
  }
  if (WIFSIGNALED(status)) return "; it was ended by signal " + std::to_string(WTERMSIG(status));
  return "; it ended with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace tidegate::gateway
